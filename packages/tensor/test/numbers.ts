import type { Axis, Shape, Tensor } from "@resolvent/tensor";
import { axesOf, reference, sizeOf, stridesOf } from "@resolvent/tensor";

/** A tensor of numbers of size 0.3 to 1.5, away from the kinks and poles at 0; `positive` if so asked. */
export function smooth(shape: Shape, random: () => number, positive = false): Tensor {
  const data = new Float64Array(sizeOf(shape)).map(() => {
    const size = 0.3 + 1.2 * random();
    return positive || random() < 0.5 ? size : -size;
  });
  return reference.constant(shape, data);
}

/** A place in a tensor by axis name. */
export type Place = Readonly<Record<Axis, number>>;

/** Every place of a shape, in memory order, by counting. */
export function places(shape: Shape): Place[] {
  return axesOf(shape).reduce<Place[]>(
    (found, axis) =>
      found.flatMap((place) =>
        Array.from({ length: shape[axis] ?? 0 }, (_, i) => ({ ...place, [axis]: i })),
      ),
    [{}],
  );
}

/** The entry at a place; axes of the place that the tensor lacks do not matter. */
export function entry(a: Tensor, place: Place): number {
  const strides = stridesOf(a.shape);
  const at = axesOf(a.shape).reduce(
    (sum, axis) => sum + (place[axis] ?? Number.NaN) * (strides[axis] ?? Number.NaN),
    0,
  );
  return a.data[at] ?? Number.NaN;
}

/** A tensor by a formula for each entry. */
export function filled(shape: Shape, f: (place: Place) => number): Tensor {
  return reference.constant(shape, places(shape).map(f));
}

/** Sum of products of all entries, matched by axis name. */
export function inner(a: Tensor, b: Tensor): number {
  return places(a.shape).reduce((sum, place) => sum + entry(a, place) * entry(b, place), 0);
}

/** The axes of a shape in another order. */
export function shuffled(shape: Shape, random: () => number): Axis[] {
  return axesOf(shape)
    .map((axis): [number, Axis] => [random(), axis])
    .sort(([x], [y]) => x - y)
    .map(([, axis]) => axis);
}

/** `a + factor · b`, entry by entry. */
export function moved(a: Tensor, b: Tensor, factor: number): Tensor {
  return reference.add(a, reference.scale(b, factor));
}
