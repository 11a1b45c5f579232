/**
 * The shape rules: one function per primitive of `Ops`. Each gives the result's shape in memory order, or
 * throws the input error that every interpreter throws.
 */
import { InputError } from "./errors.ts";
import type { CausalMask, Ids, RotaryTable } from "./ops.ts";
import {
  type Axis,
  axesOf,
  type Shape,
  showShape,
  sizeAlong,
  sizeOf,
  withoutAxes,
} from "./shape.ts";

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

export function constantShape(shape: Shape, length: number): Shape {
  checkLength(checkShape(shape, "constant"), length, "constant");
  return shape;
}

export function renameShape(a: Shape, names: Readonly<Record<Axis, Axis>>): Shape {
  for (const axis of Object.keys(names)) sizeAlong(a, axis, "rename");
  return fromEntries(
    Object.entries(a).map(([axis, n]) => [names[axis] ?? axis, n]),
    "rename",
  );
}

export function splitShape(a: Shape, axis: Axis, into: Shape): Shape {
  const size = sizeAlong(a, axis, "split");
  const needed = sizeOf(checkShape(into, "split"));
  if (needed !== size) {
    throw refusal("tensor/size-mismatch", "split", {
      what: `expected axes that hold the ${size} entries of "${axis}", got ${showShape(into)}, which holds ${needed}`,
      remedy: "Choose sizes whose product is the size of the axis.",
      details: { axis, expected: size, got: needed, into },
    });
  }
  return replaced(a, [axis], into, "split");
}

export function joinShape(a: Shape, axes: readonly Axis[], into: Axis): Shape {
  distinct(axes, "join");
  const size = axes.reduce((product, axis) => product * sizeAlong(a, axis, "join"), 1);
  return replaced(a, axes, { [into]: size }, "join");
}

export function arrangeShape(a: Shape, axes: readonly Axis[], where = "arrange"): Shape {
  distinct(axes, where);
  const last = axes.map((axis): [Axis, number] => [axis, sizeAlong(a, axis, where)]);
  return { ...withoutAxes(a, axes), ...Object.fromEntries(last) };
}

export function sliceShape(a: Shape, axis: Axis, start: number, end: number): Shape {
  const size = sizeAlong(a, axis, "slice");
  const whole = Number.isInteger(start) && Number.isInteger(end);
  if (!(whole && 0 <= start && start <= end && end <= size)) {
    throw refusal("tensor/bad-range", "slice", {
      what: `expected whole 0 ≤ start ≤ end ≤ ${size} along "${axis}", got ${start} to ${end}`,
      remedy:
        "The end is the first entry that is left out; negative indices do not count from the end.",
      details: { axis, size, start, end },
    });
  }
  return { ...a, [axis]: end - start };
}

export function concatShape(parts: readonly Shape[], axis: Axis): Shape {
  const [first, ...rest] = parts;
  if (first === undefined) {
    throw refusal("tensor/nothing-to-concat", "concat", {
      what: `expected at least one tensor along "${axis}", got none`,
      remedy: "Treat the empty list before, for only the caller knows its shape.",
      details: { axis, expected: 1, got: 0 },
    });
  }
  let size = sizeAlong(first, axis, "concat");
  for (const part of rest) {
    size += sizeAlong(part, axis, "concat");
    checkSameAxes(withoutAxes(first, [axis]), withoutAxes(part, [axis]), "concat");
  }
  return { ...first, [axis]: size };
}

export function broadcastShape(a: Shape, axes: Shape): Shape {
  checkShape(axes, "broadcast");
  return fromEntries([...Object.entries(axes), ...Object.entries(a)], "broadcast");
}

export function takeShape(a: Shape, axis: Axis, ids: Ids): Shape {
  checkIds(ids, axis, sizeAlong(a, axis, "take"), "take");
  return replaced(a, [axis], ids.shape, "take");
}

export function putShape(a: Shape, ids: Ids, axis: Axis, size: number): Shape {
  const rows = checkShape({ [axis]: size }, "put");
  checkIds(ids, axis, size, "put");
  const taken = axesOf(ids.shape);
  for (const name of taken) {
    if (sizeAlong(a, name, "put") !== ids.shape[name]) throw mismatch("put", name, a, ids.shape);
  }
  return replaced(a, taken, rows, "put");
}

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

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

function checkLength(shape: Shape, length: number, where: string): void {
  const expected = sizeOf(shape);
  if (expected !== length) {
    throw refusal("tensor/wrong-length", where, {
      what: `expected the ${expected} numbers of ${showShape(shape)}, got ${length}`,
      remedy: "Correct the shape, or give as many numbers as it holds.",
      details: { shape, expected, got: length },
    });
  }
}

function checkIds(ids: Ids, axis: Axis, size: number, where: string): void {
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

function distinct(axes: readonly Axis[], where: string): void {
  const twice = axes.find((axis, i) => axes.indexOf(axis) !== i);
  if (twice !== undefined) {
    throw refusal("tensor/repeated-axis", where, {
      what: `expected each axis once, got "${twice}" twice`,
      remedy: "Name different axes; rename one first where the tensors share a name by accident.",
      details: { axis: twice },
    });
  }
}

/** The shape with `axes` replaced by those of `by`, where the first of them stood; in front where none is named. */
function replaced(a: Shape, axes: readonly Axis[], by: Shape, where: string): Shape {
  const first = axesOf(a).find((axis) => axes.includes(axis));
  const entries = Object.entries(a).flatMap(([axis, n]): [Axis, number][] => {
    if (axis === first) return Object.entries(by);
    return axes.includes(axis) ? [] : [[axis, n]];
  });
  return fromEntries(first === undefined ? [...Object.entries(by), ...entries] : entries, where);
}

function fromEntries(entries: readonly (readonly [Axis, number])[], where: string): Shape {
  distinct(
    entries.map(([axis]) => axis),
    where,
  );
  return checkShape(Object.fromEntries(entries), where);
}

function mismatch(where: string, axis: Axis, left: Shape, right: Shape): InputError {
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

function refusal(
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
