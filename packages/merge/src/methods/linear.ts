import { checkWeights } from "./checks.ts";
import { combination } from "./numbers.ts";
import type { Weighted } from "./weighted.ts";

export interface LinearOptions {
  /** Divide by the sum of the weights; default true. */
  readonly normalize?: boolean;
}

/**
 * `Σ wᵢxᵢ / Σ wᵢ`: a weighted average, "model soups" (Wortsman et al. 2022, arXiv 2203.05482).
 *
 * @throws InputError `merge/zero-weight`
 */
export function linear(
  inputs: readonly Weighted[],
  { normalize = true }: LinearOptions = {},
): Float64Array<ArrayBuffer> {
  const out = combination(inputs.map(({ x, weight }) => ({ factor: weight, x })));
  if (!normalize) return out;
  checkWeights(
    "linear",
    inputs.map(({ weight }) => weight),
  );
  const total = inputs.reduce((sum, { weight }) => sum + weight, 0);
  for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) / total; // i is in range
  return out;
}
