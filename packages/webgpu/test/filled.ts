import { drawing, type Shape, sizeOf, type Tensor } from "@resolvent/tensor";

/** Numbers between −1 and 1 that f32 holds. */
export function filled(shape: Shape, seed: number): Tensor {
  const next = drawing(seed);
  const data = Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(2 * next() - 1));
  return { shape, data };
}
