import { InputError } from "../errors.ts";
import type { Ids } from "../ops.ts";
import { type Axis, axesOf, type Shape, showShape, sizeOf } from "../shape.ts";

/** Checks that axis names are usable and that sizes are whole numbers, 0 or more; returns the shape. */
export function checkShape(shape: Shape, where: string): Shape {
  for (const axis of axesOf(shape)) {
    const size = shape[axis] as number; // axis comes from the same shape
    // JavaScript moves keys that look like indices to the front, and finds names such as "constructor" in
    // every object: both would break what looks axes up by name.
    if (axis === "" || /^\d/.test(axis) || axis in Object.prototype) {
      throw refusal("tensor/bad-axis", where, {
        what: `expected axis names that start with no digit and that not every JavaScript object has, got "${axis}"`,
        remedy: "Use another name, such as d_model.",
        details: { axis },
      });
    }
    if (!Number.isSafeInteger(size) || size < 0) {
      throw refusal("tensor/bad-size", where, {
        what: `expected a whole number, 0 or more, as the size of axis "${axis}", got ${size}`,
        remedy: "Check the arithmetic that made this size.",
        details: { axis, got: size },
      });
    }
  }
  return shape;
}

/** Checks that both have the same axes of the same sizes, in any memory order. */
export function checkSameAxes(expected: Shape, got: Shape, where: string): void {
  for (const axis of new Set([...axesOf(expected), ...axesOf(got)])) {
    if (expected[axis] !== got[axis]) throw mismatch(where, axis, expected, got);
  }
}

/** Throws `tensor/wrong-length` unless the numbers fill the shape. */
export function checkLength(shape: Shape, length: number, where: string): void {
  const expected = sizeOf(shape);
  if (expected !== length) {
    throw refusal("tensor/wrong-length", where, {
      what: `expected the ${expected} numbers of ${showShape(shape)}, got ${length}`,
      remedy: "Correct the shape, or give as many numbers as it holds.",
      details: { shape, expected, got: length },
    });
  }
}

/** Checks that ids fill their shape and point into an axis of `size` entries. */
export function checkIds(ids: Ids, axis: Axis, size: number, where: string): void {
  checkLength(checkShape(ids.shape, where), ids.data.length, where);
  for (const id of ids.data) {
    if (id < 0 || id >= size) {
      throw refusal("tensor/bad-id", where, {
        what: `expected 0 ≤ id < ${size} along "${axis}", got ${id}`,
        remedy: "Check that the ids were made for this table.",
        details: { axis, size, got: id },
      });
    }
  }
}

/** Whether a number is whole, 0 or more. */
export function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

/** Throws `tensor/repeated-axis` where an axis is named twice. */
export function distinct(axes: readonly Axis[], where: string): void {
  const twice = axes.find((axis, i) => axes.indexOf(axis) !== i);
  if (twice !== undefined) {
    throw refusal("tensor/repeated-axis", where, {
      what: `expected each axis once, got "${twice}" twice`,
      remedy: "Name different axes; rename one first where the tensors share a name by accident.",
      details: { axis: twice },
    });
  }
}

/** The error of an axis that is not the same on both sides. */
export function mismatch(where: string, axis: Axis, left: Shape, right: Shape): InputError {
  const [expected, got] = [left[axis], right[axis]];
  const extent = (size: number | undefined): string =>
    size === undefined ? "is missing" : `has size ${size}`;
  return refusal("tensor/size-mismatch", where, {
    what: `axis "${axis}" ${extent(expected)} on the left and ${extent(got)} on the right: ${showShape(left)} and ${showShape(right)}`,
    remedy:
      "Give both the same size, or rename the axis on one side if they are not to be aligned.",
    details: { axis, expected, got, left, right },
  });
}

/** The error of a wrong shape: the operation, what was expected and what came, the remedy, the same as fields. */
export function refusal(
  code: string,
  where: string,
  fault: { what: string; remedy: string; details: Readonly<Record<string, unknown>> },
): InputError {
  return new InputError({
    code,
    message: `${where}: ${fault.what}.`,
    remedy: fault.remedy,
    details: { where, ...fault.details },
  });
}
