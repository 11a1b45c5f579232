import { spreadOf } from "@resolvent/analysis";

/** The ends of a 95 % interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * The 95 % interval of a quotient of means over pairs, `f = Σ x_i / Σ y_i`; null for a single pair, which has none.
 *
 *     f ± t s/√n,  s² that of (x_i − f y_i) / ȳ,  n − 1 degrees of freedom
 *
 * The usual variance of a ratio estimator (Cochran 1977, eq. 6.13): to first order in how far means are off, so that
 * it is too narrow where `ȳ` is itself not told from 0.
 */
export function ratioInterval(x: readonly number[], y: readonly number[]): Interval | null {
  if (x.length < 2) return null;
  const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
  const [f, mean] = [sum(x) / sum(y), sum(y) / y.length];
  const residuals = x.map((value, i) => (value - f * (y[i] ?? Number.NaN)) / mean);
  const { mean: centre, high } = spreadOf(residuals);
  const half = (high ?? Number.NaN) - centre;
  return { low: f - half, high: f + half };
}
