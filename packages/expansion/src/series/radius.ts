/** Estimates of a radius of convergence; null where the coefficients say nothing. */
export interface RadiusEstimates {
  /** `min_k (‖T_0‖ / ‖T_k‖)^{1/k}` over the upper half of the orders, `⌈K/2⌉ ≤ k ≤ K`; none where `T_K = 0`. */
  readonly root: number | null;
  /** `‖T_{k−1}‖ / ‖T_k‖` of the highest `k` whose coefficient is not zero. */
  readonly lastRatio: number | null;
}

/**
 * Estimates from the norms of the coefficients, `T_0` first. Where the last is zero the series has ended, a
 * polynomial; others that are zero, or not finite, are left out.
 */
export function radiusEstimates(norms: readonly number[]): RadiusEstimates {
  const order = norms.length - 1;
  const usable = (k: number): boolean => {
    const norm = norms[k] ?? 0;
    return norm > 0 && Number.isFinite(norm);
  };
  const [first = 0] = norms;
  const ends = norms[order] === 0;
  const upper = norms.flatMap((norm, k) =>
    !ends && k >= Math.max(1, Math.ceil(order / 2)) && usable(k) && usable(0)
      ? [(first / norm) ** (1 / k)]
      : [],
  );
  const last = norms.findLastIndex((_, k) => k > 0 && usable(k) && usable(k - 1));
  return {
    root: upper.length === 0 ? null : Math.min(...upper),
    lastRatio: last < 1 ? null : (norms[last - 1] ?? 0) / (norms[last] ?? 0),
  };
}
