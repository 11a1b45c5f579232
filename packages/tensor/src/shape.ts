import { InputError } from "./errors.ts";

/** The name of an axis, in the field's words: `pos`, `d_model`, `head`. */
export type Axis = string;

/**
 * Axis names and sizes. The order of the keys is the order in memory, last axis fastest.
 * Meaning never depends on that order: operations find axes by name.
 */
export type Shape = Readonly<Record<Axis, number>>;

/** Anything that has a shape: a host tensor, an engine's handle, a node of a tape. */
export interface Shaped {
  readonly shape: Shape;
}

/** Whole numbers with named axes: token ids, positions. */
export interface Ids extends Shaped {
  readonly data: Int32Array;
}

/** The axis names of a shape, in memory order. */
export function axesOf(shape: Shape): Axis[] {
  return Object.keys(shape);
}

/** Number of entries; 1 for the scalar shape `{}`. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const axis in shape) size *= shape[axis] as number; // own keys of a plain record
  return size;
}

/** `{pos: 5, d_model: 64}` as it is printed in errors. */
export function showShape(shape: Shape): string {
  return `{${axesOf(shape)
    .map((axis) => `${axis}: ${shape[axis]}`)
    .join(", ")}}`;
}

/** Entries to step over in memory to move by one along each axis. */
export function stridesOf(shape: Shape): Readonly<Record<Axis, number>> {
  const strides: Record<Axis, number> = {};
  let stride = 1;
  for (const axis of axesOf(shape).reverse()) {
    strides[axis] = stride;
    stride *= shape[axis] as number; // axis comes from the same shape
  }
  return strides;
}

/** Whether both have the same axes, of the same size, in the same memory order. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  const left = axesOf(a);
  const right = axesOf(b);
  return (
    left.length === right.length &&
    left.every((axis, i) => axis === right[i] && a[axis] === b[axis])
  );
}

/** The size of `axis`; throws `tensor/no-axis` where the shape has none of that name. */
export function sizeAlong(shape: Shape, axis: Axis, where: string): number {
  const size = Object.hasOwn(shape, axis) ? shape[axis] : undefined;
  if (size === undefined) {
    throw new InputError({
      code: "tensor/no-axis",
      message: `${where}: expected an axis "${axis}", got ${showShape(shape)}.`,
      remedy: "Name an axis that the tensor has, or rename one.",
      details: { where, axis, got: shape },
    });
  }
  return size;
}

/** The shape without some axes. */
export function withoutAxes(shape: Shape, axes: readonly Axis[]): Shape {
  return Object.fromEntries(Object.entries(shape).filter(([axis]) => !axes.includes(axis)));
}
