import { minus, sum } from "./numbers.ts";
import { largest } from "./select.ts";

export interface SceOptions {
  /** The share of the positions that differ between the models which stays, those of largest variance; default 1. */
  readonly selectTopk?: number;
}

/** Sums of squares below it mean equal weights; sums of weights are clamped there. */
export const LEAST = 1e-6;

/**
 * Select, calculate, erase (Wan et al. 2024, FuseChat, arXiv 2408.07990): differences from the base at the positions where
 * they vary most, weighted by their mean squares, those of the minority sign left out: `base + Σ δwM / max(Σ wM, 1e-6)`.
 */
export function sce(
  base: Float64Array,
  inputs: readonly Float64Array[],
  { selectTopk = 1 }: SceOptions = {},
): Float64Array<ArrayBuffer> {
  const deltas = inputs.map((x) => minus(x, base));
  if (selectTopk < 1) select(deltas, selectTopk);
  const squares = deltas.map(
    (delta) => sum(0, delta.length, (i) => (delta[i] as number) ** 2) / delta.length,
  );
  const total = squares.reduce((a, b) => a + b, 0);
  const weights = squares.map((square) => (total < LEAST ? 1 / deltas.length : square / total));
  const out = new Float64Array(base.length);
  for (let i = 0; i < out.length; i++) {
    let all = 0;
    for (const delta of deltas) all += delta[i] as number; // all are as long
    const plus = all >= 0;
    let [above, below] = [0, 0];
    for (const [k, delta] of deltas.entries()) {
      const own = delta[i] as number;
      const weight = weights[k] as number; // one for each
      if (own === 0 || own > 0 !== plus) continue;
      above += own * weight;
      below += weight;
    }
    out[i] = (base[i] as number) + above / Math.max(below, LEAST);
  }
  return out;
}

/**
 * Sets all entries to 0 but those of largest variance across the models, in place. The variance of equal ones is zero, whatever
 * their mean is rounded to.
 */
function select(deltas: readonly Float64Array[], share: number): void {
  const count = deltas.length;
  const variances = new Float64Array(deltas[0]?.length ?? 0);
  let varying = 0;
  for (let i = 0; i < variances.length; i++) {
    let mean = 0;
    for (const delta of deltas) mean += delta[i] as number; // all are as long
    mean /= count;
    let variance = 0;
    for (const delta of deltas) variance += ((delta[i] as number) - mean) ** 2;
    if (deltas.every((delta) => delta[i] === deltas[0]?.[i])) continue;
    variances[i] = variance / count;
    if ((variances[i] as number) > 0) varying++;
  }
  const chosen = largest(variances, Math.floor(share * varying));
  for (const delta of deltas) {
    for (let i = 0; i < delta.length; i++) if (chosen[i] !== 1) delta[i] = 0;
  }
}
