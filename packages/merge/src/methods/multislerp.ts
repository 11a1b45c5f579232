import { refuse } from "../refuse.ts";
import { checkWeights } from "./checks.ts";
import { addTo, combination, dot, minus, norm, sinc } from "./numbers.ts";
import type { Weighted } from "./weighted.ts";

export interface MultislerpOptions {
  /** Differences from it are interpolated, and added back; absent: the tensors themselves. */
  readonly base?: Float64Array | undefined;
  /** Divide the weights by their sum; default true. */
  readonly normalizeWeights?: boolean;
  /** Default 1e-8. */
  readonly eps?: number;
}

/**
 * Spherical interpolation of any number of tensors, in the tangent space of their mean direction (mergekit's multislerp):
 * `m = Σwu/‖Σwu‖`, `g = Σ w (u − ⟨u,m⟩m)`, `θ = ‖g‖`, result `(m cos θ + g sin θ/θ) · Σ w‖x‖`, u the tensors over their norms.
 * One or two of which no direction is left are merged linearly.
 *
 * @throws InputError `merge/antipodal` where the directions of more than two cancel, `merge/zero-weight`
 */
export function multislerp(
  inputs: readonly Weighted[],
  { base, normalizeWeights = true, eps = 1e-8 }: MultislerpOptions = {},
): Float64Array<ArrayBuffer> {
  if (normalizeWeights)
    checkWeights(
      "multislerp",
      inputs.map(({ weight }) => weight),
    );
  const total = normalizeWeights ? inputs.reduce((all, { weight }) => all + weight, 0) : 1;
  const terms = inputs.map(({ x, weight }) => {
    const own = base === undefined ? x : minus(x, base);
    const size = norm(own);
    return { x: own, weight: weight / total, size, unit: 1 / (size + eps) };
  });
  const out = meet(terms, eps);
  if (base !== undefined) addTo(out, base);
  return out;
}

function meet(
  terms: readonly {
    readonly x: Float64Array;
    readonly weight: number;
    readonly size: number;
    readonly unit: number;
  }[],
  eps: number,
): Float64Array<ArrayBuffer> {
  const mean = combination(terms.map(({ x, weight, unit }) => ({ factor: weight * unit, x })));
  const length = norm(mean);
  if (length < eps || length === 0) {
    if (terms.length <= 2)
      return combination(terms.map(({ x, weight }) => ({ factor: weight, x })));
    throw refuse(
      "antipodal",
      `The directions of ${terms.length} tensors cancel: their mean has the norm ${length}, below eps ${eps}.`,
      "There is no mean direction: use other weights, or `linear`.",
      { length, eps },
    );
  }
  const m = mean.map((value) => value / length);
  const g = new Float64Array(m.length);
  for (const { x, weight, unit } of terms) {
    const along = unit * dot(x, m);
    for (let i = 0; i < g.length; i++) {
      g[i] = (g[i] as number) + weight * (unit * (x[i] as number) - along * (m[i] as number)); // all are as long
    }
  }
  const angle = norm(g) + eps;
  const size = terms.reduce((all, { weight, size }) => all + weight * size, 0);
  return combination([
    { factor: Math.cos(angle) * size, x: m },
    { factor: sinc(angle) * size, x: g },
  ]);
}
