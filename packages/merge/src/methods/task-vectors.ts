import { minus } from "./numbers.ts";
import { type Rescaling, type SparsifyOptions, sparsify } from "./sparsify.ts";
import type { TaskMethod } from "./task-methods.ts";
import type { Weighted } from "./weighted.ts";

/** A model's tensor, and how much of its difference from the base counts. */
export interface TaskInput extends Weighted, Partial<Omit<SparsifyOptions, "rescale" | "row">> {}

export interface TaskOptions {
  /** Length of rows. */
  readonly row: number;
  /** Divide by the weights: at each entry those kept, with an election; else all. */
  readonly normalize: boolean;
  readonly rescale?: Rescaling | undefined;
  /** What the merged difference is multiplied by; default 1. */
  readonly lambda?: number;
}

/** Sums of weights nearer to zero are not divided by. */
export const LEAST_WEIGHT = 1e-8;

/**
 * The base and a weighted sum of differences from it, "task vectors" (Ilharco et al. 2022, arXiv 2212.04089), each of
 * which may be sparsified first; with an election, at each entry those of the sign of `Σ wδ` alone count (Yadav et al. 2023,
 * TIES, arXiv 2306.01708).
 *
 * δᵢ → sparsified → wᵢδᵢ → election → sum → division → × lambda → + base. Throws what `sparsify` throws.
 */
export function taskVectors(
  { sparsifier, election }: TaskMethod,
  base: Float64Array,
  inputs: readonly TaskInput[],
  { row, normalize, rescale, lambda = 1 }: TaskOptions,
): Float64Array<ArrayBuffer> {
  const total = inputs.reduce((all, { weight }) => all + weight, 0);
  const divisor = normalize && Math.abs(total) >= LEAST_WEIGHT ? total : 1;
  if (sparsifier === undefined && !election) return differences(base, inputs, divisor, lambda);
  const terms = inputs.map(({ x, weight, density = 1, ...more }) => {
    const delta = minus(x, base);
    const kept =
      sparsifier === undefined
        ? delta
        : sparsify(delta, sparsifier, { ...more, density, row, rescale });
    return { weight, delta: scaled(kept, weight) };
  });
  const out = new Float64Array(base.length);
  for (let i = 0; i < out.length; i++) {
    let all = 0;
    for (const { delta } of terms) all += delta[i] as number; // all are as long
    let by = divisor;
    if (election) {
      const plus = all >= 0;
      [all, by] = [0, 0];
      for (const { delta, weight } of terms) {
        const own = delta[i] as number;
        if (own === 0 || own > 0 !== plus) continue;
        all += own;
        by += weight;
      }
      if (by === 0 || !normalize) by = 1;
    }
    out[i] = (base[i] as number) + lambda * (all / by);
  }
  return out;
}

/** The plain sum, without arrays between. */
function differences(
  base: Float64Array,
  inputs: readonly Weighted[],
  divisor: number,
  lambda: number,
): Float64Array<ArrayBuffer> {
  const out = new Float64Array(base.length);
  for (const { x, weight } of inputs) addDifference(out, weight, x, base);
  for (let i = 0; i < out.length; i++) {
    out[i] = (base[i] as number) + lambda * ((out[i] as number) / divisor); // both are as long
  }
  return out;
}

function addDifference(
  out: Float64Array,
  weight: number,
  x: Float64Array,
  base: Float64Array,
): void {
  for (let i = 0; i < out.length; i++) {
    out[i] = (out[i] as number) + weight * ((x[i] as number) - (base[i] as number)); // all are as long
  }
}

function scaled(x: Float64Array, factor: number): Float64Array {
  const out = new Float64Array(x.length);
  for (let i = 0; i < out.length; i++) out[i] = factor * (x[i] as number); // both are as long
  return out;
}
