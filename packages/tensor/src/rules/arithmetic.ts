/**
 * The rules of what computes: the result's shape in memory order, or the input error that every interpreter throws.
 */
import type { CausalMask, RotaryTable } from "../ops.ts";
import { type Axis, axesOf, type Shape, showShape, sizeAlong, withoutAxes } from "../shape.ts";
import { checkLength, distinct, isCount, mismatch, refusal } from "./checks.ts";
import { arrangeShape } from "./layout.ts";

/** Element-wise operations of two tensors: the union of the axes. */
export function binaryShape(a: Shape, b: Shape, where: string): Shape {
  let onlyInB = 0;
  let onlyInA = 0;
  for (const axis in b) {
    if (!(axis in a)) onlyInB++;
    else if (a[axis] !== b[axis]) throw mismatch(where, axis, a, b);
  }
  for (const axis in a) if (!(axis in b)) onlyInA++;
  if (onlyInB === 0) return a;
  return onlyInA === 0 ? b : { ...a, ...withoutAxes(b, axesOf(a)) };
}

export function sumShape(a: Shape, axes: readonly Axis[]): Shape {
  distinct(axes, "sum");
  for (const axis of axes) sizeAlong(a, axis, "sum");
  return withoutAxes(a, axes);
}

/** Reductions along one axis (`rms`, `logsumexp`); also checks `center` and `softmax`, which keep theirs. */
export function alongShape(a: Shape, axis: Axis, where: string): Shape {
  if (sizeAlong(a, axis, where) === 0) {
    throw refusal("tensor/empty-axis", where, {
      what: `expected at least one entry along "${axis}", got none in ${showShape(a)}`,
      remedy:
        "Leave the operation out for empty inputs: a mean or a maximum of nothing does not exist.",
      details: { axis, expected: 1, got: 0, shape: a },
    });
  }
  return withoutAxes(a, [axis]);
}

export function softmaxShape(a: Shape, axis: Axis, mask: CausalMask | undefined): Shape {
  alongShape(a, axis, "softmax");
  if (mask === undefined) return a;
  const { query, offset = 0, window } = mask;
  distinct([axis, query], "softmax");
  const queries = sizeAlong(a, query, "softmax");
  const keys = a[axis] as number; // alongShape has checked the axis
  if (!isCount(offset) || (window !== undefined && !(isCount(window) && window > 0))) {
    throw refusal("tensor/bad-mask", "softmax", {
      what: `expected a whole offset ≥ 0 and a whole window ≥ 1 for queries "${query}", got offset ${offset} and window ${window}`,
      remedy: "Leave the window out to see all earlier keys.",
      details: { axis, query, offset, window },
    });
  }
  // The window moves with the query, so the last query is the first to look beyond the last key.
  if (window !== undefined && queries > 0 && queries - 1 + offset - window >= keys - 1) {
    throw refusal("tensor/bad-mask", "softmax", {
      what: `expected a key for each query, got none for entry ${queries - 1} of "${query}" among the ${keys} of "${axis}" (offset ${offset}, window ${window})`,
      remedy: "Make the window longer, or give the keys that belong to the offset.",
      details: { axis, query, offset, window, queries, keys },
    });
  }
  return a;
}

/** How the axes of a matrix product are used. */
export interface MatmulRoles {
  /** In both, kept. */
  readonly batch: readonly Axis[];
  /** Only in `a`. */
  readonly left: readonly Axis[];
  /** Only in `b`. */
  readonly right: readonly Axis[];
}

export function matmulRoles(a: Shape, b: Shape, over: readonly Axis[]): MatmulRoles {
  distinct(over, "matmul");
  for (const axis of over) {
    if (sizeAlong(a, axis, "matmul (left)") !== sizeAlong(b, axis, "matmul (right)")) {
      throw mismatch("matmul", axis, a, b);
    }
  }
  const batch: Axis[] = [];
  const left: Axis[] = [];
  for (const axis of axesOf(a)) {
    if (over.includes(axis)) continue;
    if (!(axis in b)) left.push(axis);
    else if (a[axis] === b[axis]) batch.push(axis);
    else throw mismatch("matmul", axis, a, b);
  }
  return { batch, left, right: axesOf(b).filter((axis) => !(axis in a)) };
}

export function matmulShape(
  a: Shape,
  b: Shape,
  over: readonly Axis[],
  last: readonly Axis[] | undefined,
): Shape {
  const { batch, left, right } = matmulRoles(a, b, over);
  const shape: Record<Axis, number> = {};
  for (const axis of batch) shape[axis] = a[axis] as number; // roles come from the same shapes
  for (const axis of left) shape[axis] = a[axis] as number;
  for (const axis of right) shape[axis] = b[axis] as number;
  return last === undefined ? shape : arrangeShape(shape, last, "matmul");
}

export function rotaryShape(
  a: Shape,
  axis: Axis,
  pos: Axis,
  table: RotaryTable,
  start: number,
): Shape {
  distinct([axis, pos], "rotary");
  const size = sizeAlong(a, axis, "rotary");
  const positions = sizeAlong(a, pos, "rotary");
  const { pairs } = table;
  const rows = { positions: table.positions, pairs };
  checkLength(rows, table.cos.length, "rotary");
  checkLength(rows, table.sin.length, "rotary");
  if (2 * pairs > size) {
    throw refusal("tensor/size-mismatch", "rotary", {
      what: `expected at least the ${2 * pairs} entries that the table turns along "${axis}", got ${size}`,
      remedy: "Make the table for this axis: at most half as many pairs as entries.",
      details: { axis, expected: 2 * pairs, got: size },
    });
  }
  if (!isCount(start) || start + positions > table.positions) {
    throw refusal("tensor/bad-range", "rotary", {
      what: `expected positions within the ${table.positions} of the table, got ${start} to ${start + positions} along "${pos}"`,
      remedy: "Use a shorter input, or make a longer table.",
      details: { axis: pos, start, end: start + positions, size: table.positions },
    });
  }
  return a;
}
