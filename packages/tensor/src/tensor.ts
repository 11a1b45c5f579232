import type { Tensor } from "./ops.ts";
import { arrangeShape, constantShape } from "./rules/layout.ts";
import { type Axis, axesOf, type Shape, sameShape, stridesOf } from "./shape.ts";

/**
 * A host tensor from numbers in memory order: `tensor({pos: 2, d_model: 3}, [1, 2, 3, 4, 5, 6])`.
 * A Float64Array or Float32Array is used as it is; anything else is copied to float64.
 *
 * @throws InputError `tensor/wrong-length` where the count does not fit the shape, `tensor/bad-size` or
 *   `tensor/bad-axis` where the shape itself cannot be.
 */
export function tensor(shape: Shape, data: ArrayLike<number>): Tensor {
  constantShape(shape, data.length);
  const kept = data instanceof Float64Array || data instanceof Float32Array;
  return { shape, data: kept ? data : Float64Array.from(data) };
}

/**
 * For each entry of `to`, in memory order, the place of its source in a tensor of shape `from`.
 * Axes that `from` lacks step over nothing; sizes along shared axes may be smaller in `to`.
 */
export function placesIn(from: Shape, to: Shape): Int32Array {
  return placesBy(stridesOf(from), to);
}

/** For each entry of `to`, in memory order, its place by the given steps along axes; none where an axis is not named. */
export function placesBy(strides: Readonly<Record<Axis, number>>, to: Shape): Int32Array {
  let places = new Int32Array(1);
  for (const axis of axesOf(to)) {
    const size = to[axis] as number; // axis comes from the same shape
    const stride = strides[axis] ?? 0;
    const next = new Int32Array(places.length * size);
    let at = 0;
    for (const place of places) for (let i = 0; i < size; i++) next[at++] = place + i * stride;
    places = next;
  }
  return places;
}

/** The same tensor with its axes in the given memory order; axes that are not named come before, as in `arrange`. */
export function inOrder(a: Tensor, axes: readonly Axis[]): Tensor {
  const shape = arrangeShape(a.shape, axes, "inOrder");
  if (sameShape(shape, a.shape)) return a;
  return tensor(
    shape,
    Float64Array.from(placesIn(a.shape, shape), (place) => a.data[place] as number), // places are within `a`
  );
}
