import { refuse } from "../refuse.ts";
import { dot, minus, norm } from "./numbers.ts";

export interface ModelStockOptions {
  /** Length of rows; absent: the tensor is one. */
  readonly row?: number | undefined;
}

/**
 * Between the base and the mean, by the angle between differences from the base (Jang et al. 2024, Model Stock, arXiv
 * 2403.19522): `r·mean(x) + (1−r)·base`, `r = Nc/(1+(N−1)c)`, c the mean over pairs of cos(δᵢ, δⱼ). A zero difference has
 * cosine 0.
 *
 * @throws InputError `merge/model-stock-antiparallel` where `1 + (N−1)c = 0`
 */
export function modelStock(
  base: Float64Array,
  inputs: readonly Float64Array[],
  { row = base.length }: ModelStockOptions = {},
): Float64Array<ArrayBuffer> {
  const count = inputs.length;
  const deltas = inputs.map((x) => minus(x, base));
  const out = new Float64Array(base.length);
  for (let start = 0; start < base.length; start += row) {
    const ratio = ratioOf(deltas, start, start + row);
    for (let i = start; i < start + row; i++) {
      let mean = 0;
      for (const x of inputs) mean += x[i] as number; // all are as long
      out[i] = ratio * (mean / count) + (1 - ratio) * (base[i] as number);
    }
  }
  return out;
}

function ratioOf(deltas: readonly Float64Array[], start: number, end: number): number {
  const norms = deltas.map((delta) => norm(delta, start, end));
  return stockRatio(norms, (i, j) => dot(at(deltas, i), at(deltas, j), start, end));
}

function at(deltas: readonly Float64Array[], i: number): Float64Array {
  return deltas[i] as Float64Array; // i is in range
}

/**
 * How much of the mean there is, from the differences' norms and inner products.
 *
 * @throws InputError `merge/model-stock-antiparallel`
 */
export function stockRatio(
  norms: readonly number[],
  product: (i: number, j: number) => number,
): number {
  let [cosines, pairs] = [0, 0];
  for (const [i, x] of norms.entries()) {
    for (const [j, y] of norms.entries()) {
      if (j <= i) continue;
      if (x > 0 && y > 0) cosines += Math.min(1, Math.max(-1, product(i, j) / x / y));
      pairs++;
    }
  }
  const c = cosines / pairs;
  const below = 1 + (norms.length - 1) * c;
  // Rounding leaves of differences that point exactly apart a few units in the last place.
  if (Math.abs(below) > 4 * Number.EPSILON * norms.length) return (norms.length * c) / below;
  throw refuse(
    "model-stock-antiparallel",
    `The mean cosine between ${norms.length} differences from the base is ${c}: 1 + (N − 1)·cosine is zero.`,
    "The models have moved apart in opposite directions: use another method for this tensor.",
    { cosine: c, models: norms.length },
  );
}
