/**
 * The rules of what moves entries without computing: the result's shape in memory order, or the input error that every
 * interpreter throws.
 */
import type { Ids } from "../ops.ts";
import {
  type Axis,
  axesOf,
  type Shape,
  showShape,
  sizeAlong,
  sizeOf,
  withoutAxes,
} from "../shape.ts";
import {
  checkIds,
  checkLength,
  checkSameAxes,
  checkShape,
  distinct,
  mismatch,
  refusal,
} from "./checks.ts";

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

/** The shape in the memory order that `join` needs: the axes in their order where the first of them stands. */
export function neighbours(a: Shape, axes: readonly Axis[]): Shape {
  const all = axesOf(a);
  const at = all.indexOf(axes[0] ?? "");
  if (axes.every((axis, i) => all[at + i] === axis)) return a;
  const first = all.find((axis) => axes.includes(axis));
  const order = all.flatMap((axis) => (axis === first ? axes : axes.includes(axis) ? [] : [axis]));
  return arrangeShape(a, order);
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

/** The shape with `axes` replaced by those of `by`, where the first of them stood; in front where none is named. */
function replaced(a: Shape, axes: readonly Axis[], by: Shape, where: string): Shape {
  const before: (readonly [Axis, number])[] = [];
  const after: (readonly [Axis, number])[] = [];
  let met = false;
  for (const axis of axesOf(a)) {
    if (axes.includes(axis)) met = true;
    else (met ? after : before).push([axis, a[axis] as number]); // axis comes from the same shape
  }
  const middle = Object.entries(by);
  return fromEntries(
    met ? [...before, ...middle, ...after] : [...middle, ...before, ...after],
    where,
  );
}

function fromEntries(entries: readonly (readonly [Axis, number])[], where: string): Shape {
  distinct(
    entries.map(([axis]) => axis),
    where,
  );
  return checkShape(Object.fromEntries(entries), where);
}
