import { isNothing } from "@resolvent/analysis";
import {
  axesOf,
  InputError,
  inOrder,
  type LinearAlgebra,
  showShape,
  type Tensor,
  withoutAxes,
} from "@resolvent/tensor";
import { CUTOFF } from "./fit.ts";
import { type AffineMap, Regression } from "./regression.ts";

/** Inputs and outputs of the same tokens: `token` and one more axis each. */
export interface Vectors {
  readonly x: Tensor;
  readonly y: Tensor;
}

/** A linearity score, and the affine map behind it. */
export interface LinearityScore extends Pick<AffineMap, "rank" | "effectiveRank"> {
  /** Not a number where all outputs are the same, to rounding. */
  readonly score: number;
  /** Tokens that were scored. */
  readonly tokens: number;
  readonly map: AffineMap;
}

/**
 * The linearity score of two sets of vectors, `1 − min_A ‖X̃A − Ỹ‖_F²` with columns centred and both divided by their
 * Frobenius norms (Razzhigaev et al. 2024): the part of the variance of `y` that the best affine map of `x`
 * explains. Where `held` is given, the map is fit on `fit` and scored there: `1 − Σ‖y − ŷ‖² / Σ‖y − ȳ‖²`, which may
 * be below 0.
 *
 * ```ts
 * linearityScore(await createLinearAlgebra(), { x, y });   // x: {token: 640, d_model: 64}
 * ```
 *
 * @param options `cutoff`: singular values up to this part of the largest count as zero, default 1e-10
 * @throws InputError `linearity/bad-vectors`, `linearity/no-rows`
 */
export function linearityScore(
  algebra: LinearAlgebra,
  fit: Vectors,
  held: Vectors = fit,
  options: { readonly cutoff?: number } = {},
): LinearityScore {
  const { x, y, tokens: fitted, inputs, outputs } = rowsOf(fit);
  const regression = new Regression(algebra, inputs, outputs);
  if (fitted > 0) regression.add(x, [y]);
  const map = regression.solve(options.cutoff ?? CUTOFF.f64);
  const scored = rowsOf(held);
  const { tokens } = scored;
  let error = 0;
  const sums = new Float64Array(outputs);
  let square = 0;
  let size = 0;
  for (let token = 0; token < tokens; token++) {
    for (let j = 0; j < outputs; j++) {
      const own = scored.y[token * outputs + j] ?? Number.NaN;
      let predicted = map.b[j] ?? Number.NaN;
      for (let i = 0; i < inputs; i++)
        predicted += (scored.x[token * inputs + i] ?? Number.NaN) * (map.A[i * outputs + j] ?? 0);
      error += (own - predicted) ** 2;
      size += own ** 2;
      // About the fit's mean, so that nothing cancels.
      const centred = own - (map.targetMean[j] ?? 0);
      sums[j] = (sums[j] ?? 0) + centred;
      square += centred * centred;
    }
  }
  const variance = square - sums.reduce((sum, x) => sum + x * x, 0) / tokens;
  const { rank, effectiveRank } = map;
  return {
    score: isNothing(Math.sqrt(Math.max(0, variance)), Math.sqrt(size), "f64")
      ? Number.NaN
      : 1 - error / variance,
    tokens,
    rank,
    effectiveRank,
    map,
  };
}

function rowsOf({ x, y }: Vectors): {
  readonly x: Tensor["data"];
  readonly y: Tensor["data"];
  readonly tokens: number;
  readonly inputs: number;
  readonly outputs: number;
} {
  const [left, right] = [x, y].map((a) => Object.values(withoutAxes(a.shape, ["token"])));
  const tokens = x.shape.token;
  const [inputs, outputs] = [left?.[0], right?.[0]];
  if (
    tokens === undefined ||
    tokens !== y.shape.token ||
    inputs === undefined ||
    outputs === undefined ||
    left?.length !== 1 ||
    right?.length !== 1
  ) {
    throw new InputError({
      code: "linearity/bad-vectors",
      message: `Expected vectors of the same tokens, an axis "token" and one more each, got ${showShape(x.shape)} and ${showShape(y.shape)}.`,
      remedy: "Join the axes of sequences and positions to one, token.",
      details: { x: x.shape, y: y.shape },
    });
  }
  const rows = (a: Tensor): Tensor["data"] =>
    inOrder(a, ["token", ...axesOf(withoutAxes(a.shape, ["token"]))]).data;
  return { x: rows(x), y: rows(y), tokens, inputs, outputs };
}
