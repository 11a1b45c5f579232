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

/** Checks that axis names are usable and sizes are whole and positive or zero; returns the shape. */
export function checkShape(shape: Shape, where: string): Shape {
  for (const axis of axesOf(shape)) {
    const size = shape[axis];
    if (!Number.isSafeInteger(size) || (size as number) < 0) {
      throw new InputError({
        code: "tensor/bad-size",
        message: `${where}: expected a whole size for axis "${axis}", got ${size}.`,
        details: { where, axis, got: size },
      });
    }
    // Keys that look like array indices would be reordered by JavaScript objects.
    if (/^(\d|$|__proto__$)/.test(axis)) {
      throw new InputError({
        code: "tensor/bad-axis",
        message: `${where}: "${axis}" cannot be an axis name.`,
        remedy: "Use a name that starts with a letter.",
        details: { where, axis },
      });
    }
  }
  return shape;
}

export function constantShape(shape: Shape, length: number): Shape {
  checkShape(shape, "constant");
  if (sizeOf(shape) !== length) {
    throw new InputError({
      code: "tensor/wrong-length",
      message: `constant: ${showShape(shape)} holds ${sizeOf(shape)} numbers, got ${length}.`,
      details: { shape, expected: sizeOf(shape), got: length },
    });
  }
  return shape;
}

export function renameShape(a: Shape, names: Readonly<Record<Axis, Axis>>): Shape {
  for (const axis of Object.keys(names)) sizeAlong(a, axis, "rename");
  return fromEntries(
    axesOf(a).map((axis) => [names[axis] ?? axis, a[axis] as number]),
    "rename",
  );
}

export function splitShape(a: Shape, axis: Axis, into: Shape): Shape {
  const size = sizeAlong(a, axis, "split");
  checkShape(into, "split");
  if (sizeOf(into) !== size) {
    throw new InputError({
      code: "tensor/size-mismatch",
      message: `split: axis "${axis}" has ${size} entries, ${showShape(into)} needs ${sizeOf(into)}.`,
      details: { axis, expected: size, got: sizeOf(into), into },
    });
  }
  return fromEntries(
    Object.entries(a).flatMap(([name, n]) => (name === axis ? Object.entries(into) : [[name, n]])),
    "split",
  );
}

export function joinShape(a: Shape, axes: readonly Axis[], into: Axis): Shape {
  distinct(axes, "join");
  const size = axes.reduce((product, axis) => product * sizeAlong(a, axis, "join"), 1);
  const first = axesOf(a).find((axis) => axes.includes(axis));
  return fromEntries(
    axesOf(a).flatMap((axis) =>
      axis === first ? [[into, size]] : axes.includes(axis) ? [] : [[axis, a[axis] as number]],
    ),
    "join",
  );
}

export function arrangeShape(a: Shape, axes: readonly Axis[]): Shape {
  distinct(axes, "arrange");
  const last = axes.map((axis): [Axis, number] => [axis, sizeAlong(a, axis, "arrange")]);
  return { ...withoutAxes(a, axes), ...Object.fromEntries(last) };
}

export function sliceShape(a: Shape, axis: Axis, start: number, end: number): Shape {
  const size = sizeAlong(a, axis, "slice");
  if (
    !(Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start <= end && end <= size)
  ) {
    throw new InputError({
      code: "tensor/bad-range",
      message: `slice: expected 0 ≤ start ≤ end ≤ ${size} along "${axis}", got ${start} to ${end}.`,
      details: { axis, size, start, end },
    });
  }
  return { ...a, [axis]: end - start };
}

export function concatShape(parts: readonly Shape[], axis: Axis): Shape {
  const [first, ...rest] = parts;
  if (first === undefined) {
    throw new InputError({
      code: "tensor/nothing-to-concat",
      message: `concat: expected at least one tensor along "${axis}", got none.`,
      details: { axis },
    });
  }
  let size = sizeAlong(first, axis, "concat");
  for (const part of rest) {
    size += sizeAlong(part, axis, "concat");
    const expected = withoutAxes(first, [axis]);
    const got = withoutAxes(part, [axis]);
    for (const other of new Set([...axesOf(expected), ...axesOf(got)])) {
      if (expected[other] !== got[other]) throw mismatch("concat", other, first, part);
    }
  }
  return { ...first, [axis]: size };
}

export function broadcastShape(a: Shape, axes: Shape): Shape {
  checkShape(axes, "broadcast");
  return fromEntries([...Object.entries(axes), ...Object.entries(a)], "broadcast");
}

export function takeShape(a: Shape, axis: Axis, ids: Ids): Shape {
  const size = sizeAlong(a, axis, "take");
  checkIds(ids, axis, size, "take");
  return fromEntries(
    Object.entries(a).flatMap(([name, n]) =>
      name === axis ? Object.entries(ids.shape) : [[name, n]],
    ),
    "take",
  );
}

export function putShape(a: Shape, ids: Ids, axis: Axis, size: number): Shape {
  checkIds(ids, axis, size, "put");
  const taken = axesOf(ids.shape);
  for (const name of taken) {
    if (sizeAlong(a, name, "put") !== ids.shape[name]) throw mismatch("put", name, ids.shape, a);
  }
  const rest = withoutAxes(a, taken);
  const first = axesOf(a).find((name) => taken.includes(name));
  if (first === undefined) return fromEntries([[axis, size], ...Object.entries(rest)], "put");
  return fromEntries(
    axesOf(a).flatMap((name) =>
      name === first ? [[axis, size]] : taken.includes(name) ? [] : [[name, a[name] as number]],
    ),
    "put",
  );
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
    throw new InputError({
      code: "tensor/empty-axis",
      message: `${where}: expected at least one entry along "${axis}", got none.`,
      details: { where, axis, got: a },
    });
  }
  return withoutAxes(a, [axis]);
}

export function softmaxShape(a: Shape, axis: Axis, mask: CausalMask | undefined): Shape {
  alongShape(a, axis, "softmax");
  if (mask !== undefined) {
    const { query, offset = 0, window } = mask;
    const queries = sizeAlong(a, query, "softmax");
    // The first query must see at least one key, and the last visible key must exist for every later one.
    if (!Number.isInteger(offset) || offset < 0 || (window !== undefined && !(window >= 1))) {
      throw new InputError({
        code: "tensor/bad-mask",
        message: `softmax: expected offset ≥ 0 and window ≥ 1, got offset ${offset} and window ${window}.`,
        details: { offset, window },
      });
    }
    const keys = a[axis] as number;
    if (window !== undefined && queries - 1 + offset - window >= keys - 1) {
      throw new InputError({
        code: "tensor/bad-mask",
        message: `softmax: query ${queries - 1} sees no key among ${keys} (offset ${offset}, window ${window}).`,
        details: { offset, window, queries, keys },
      });
    }
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
  return last === undefined ? shape : arrangeShape(shape, last);
}

export function rotaryShape(
  a: Shape,
  axis: Axis,
  pos: Axis,
  table: RotaryTable,
  start: number,
): Shape {
  const size = sizeAlong(a, axis, "rotary");
  const positions = sizeAlong(a, pos, "rotary");
  if (2 * table.pairs > size) {
    throw new InputError({
      code: "tensor/size-mismatch",
      message: `rotary: the table turns ${2 * table.pairs} entries, axis "${axis}" has ${size}.`,
      details: { axis, expected: 2 * table.pairs, got: size },
    });
  }
  if (start < 0 || start + positions > table.positions) {
    throw new InputError({
      code: "tensor/bad-range",
      message: `rotary: positions ${start} to ${start + positions} along "${pos}", the table has ${table.positions}.`,
      remedy: "Use a shorter input, or make a longer table.",
      details: { pos, start, positions, table: table.positions },
    });
  }
  return a;
}

function checkIds(ids: Ids, axis: Axis, size: number, where: string): void {
  checkShape(ids.shape, where);
  if (ids.data.length !== sizeOf(ids.shape)) {
    throw new InputError({
      code: "tensor/wrong-length",
      message: `${where}: ids of ${showShape(ids.shape)} need ${sizeOf(ids.shape)} numbers, got ${ids.data.length}.`,
      details: { where, expected: sizeOf(ids.shape), got: ids.data.length },
    });
  }
  for (const id of ids.data) {
    if (id < 0 || id >= size) {
      throw new InputError({
        code: "tensor/bad-id",
        message: `${where}: expected 0 ≤ id < ${size} along "${axis}", got ${id}.`,
        details: { where, axis, size, got: id },
      });
    }
  }
}

function distinct(axes: readonly Axis[], where: string): void {
  const twice = axes.find((axis, i) => axes.indexOf(axis) !== i);
  if (twice !== undefined) throw repeated(twice, where);
}

function fromEntries(
  entries: readonly (readonly [Axis, number] | (Axis | number)[])[],
  where: string,
): Shape {
  const shape: Record<Axis, number> = {};
  for (const [axis, size] of entries) {
    const name = axis as Axis; // entries are [name, size] pairs; flatMap widens them
    if (Object.hasOwn(shape, name)) throw repeated(name, where);
    shape[name] = size as number;
  }
  return checkShape(shape, where);
}

function repeated(axis: Axis, where: string): InputError {
  return new InputError({
    code: "tensor/repeated-axis",
    message: `${where}: axis "${axis}" would occur twice.`,
    remedy: "Rename one of them first.",
    details: { where, axis },
  });
}

function mismatch(where: string, axis: Axis, expected: Shape, got: Shape): InputError {
  return new InputError({
    code: "tensor/size-mismatch",
    message: `${where}: axis "${axis}" has ${expected[axis] ?? "no"} entries on the left and ${got[axis] ?? "no"} on the right: ${showShape(expected)} and ${showShape(got)}.`,
    details: { where, axis, expected: expected[axis], got: got[axis], left: expected, right: got },
  });
}
