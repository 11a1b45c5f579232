import type { Precision } from "@resolvent/tensor";
import { nearestPole } from "./pole.ts";

/**
 * Where an estimate of the radius of convergence comes from:
 *
 * - `roots`: the slope of `log ‖T_k‖` over the tail, `⌈K/2⌉ ≤ k ≤ K`, by least squares: the root test, free of scale.
 * - `last-ratio`: `‖T_{K−1}‖ / ‖T_K‖`.
 * - `domb-sykes`: ratios `‖T_k‖/‖T_{k−1}‖` over the tail, fit by a line in `1/k` and continued to `1/k = 0` (Domb &
 *   Sykes 1957): exact for a singularity `(1 − z/R)^α`.
 * - `pole`: the nearest root of a recurrence of two terms, fit to the tail: see `nearestPole`.
 */
export type RadiusMethod = "roots" | "last-ratio" | "domb-sykes" | "pole";

export interface RadiusEstimate {
  readonly by: RadiusMethod;
  /** By how much coefficients grow from order to order in the end: 1/radius. */
  readonly growth: number;
  /** Null where coefficients fall faster than any power: no finite radius. */
  readonly radius: number | null;
}

/** A growth below this part of the largest single ratio is none: of a fit, what is left of its rounding. */
const NO_GROWTH = 1e-3;
/** A coefficient that is smaller than this part of both its neighbours is the rounding of zero. */
const ZERO = { f32: 1e-5, f64: 1e-12 } as const;

/**
 * The order at which a series has ended, by its coefficients: the last that is not zero, where more zeros follow than
 * stand between others (those of an even function come one at a time). Null where it goes on.
 */
export function endOf(norms: readonly number[]): number | null {
  const kept = norms.flatMap((norm, k) => (norm === 0 ? [] : [k]));
  const last = kept.at(-1) ?? 0;
  const gap = kept.slice(1).reduce((most, k, i) => Math.max(most, k - (kept[i] ?? 0) - 1), 0);
  return norms.length - 1 - last > gap ? last : null;
}

/** How many coefficients there are before the first that is not finite. */
export function finiteOrders(norms: readonly number[]): number {
  const overflow = norms.findIndex((norm) => !Number.isFinite(norm));
  return overflow < 0 ? norms.length : overflow;
}

/**
 * Estimates of the radius of convergence from the coefficients and their norms, `T_0` first. `T_0`, on which no other
 * coefficient need depend, has no part in them: they are the same whatever its size. Coefficients that are zero beside
 * their neighbours (of an even function) are passed over, and none are used from the first on that is not finite.
 *
 * @returns none where fewer than two coefficients are left, or the series has ended: a polynomial
 */
export function radiusEstimates(
  coefficients: readonly Float64Array[],
  norms: readonly number[],
  precision: Precision = "f64",
): RadiusEstimate[] {
  const order = finiteOrders(norms) - 1;
  if (order < 1 || endOf(norms) !== null) return [];
  const at = (k: number): number => norms[k] ?? 0;
  const used = Array.from({ length: order }, (_, i) => i + 1).filter((k) => {
    const beside = [k - 1, k + 1].filter((i) => i >= 1 && i <= order).map(at);
    return at(k) > (beside.length === 0 ? 0 : ZERO[precision] * Math.min(...beside));
  });
  const tail = Math.max(1, Math.ceil(order / 2));
  const points = used.filter((k) => k >= tail).map((k) => [k, Math.log(at(k))] as const);
  /** Growth by one order, of each coefficient over the one before. */
  const ratios = used.slice(1).map((k, i) => {
    const before = used[i] as number; // one fewer than used
    return [k, (at(k) / at(before)) ** (1 / (k - before))] as const;
  });
  const late = ratios.filter(([k]) => k >= tail);
  const last = ratios.at(-1)?.[1];
  const slope = lineOf(points)?.slope;
  const line = late.length < 3 ? undefined : lineOf(late.map(([k, ratio]) => [1 / k, ratio]));
  const pole = nearestPole(coefficients.slice(0, order + 1), tail);
  const found: readonly (readonly [RadiusMethod, number | undefined])[] = [
    ["roots", slope === undefined ? undefined : Math.exp(slope)],
    ["last-ratio", last],
    ["domb-sykes", line === undefined ? undefined : Math.max(0, line.at0)],
    ["pole", pole],
  ];
  const largest = late.reduce((most, [, ratio]) => Math.max(most, ratio), 0);
  return found.flatMap(([by, growth]): RadiusEstimate[] => {
    if (growth === undefined || !Number.isFinite(growth)) return [];
    const none = growth <= NO_GROWTH * largest;
    return [{ by, growth: none ? 0 : growth, radius: none ? null : 1 / growth }];
  });
}

/** The line through points by least squares; undefined through fewer than two. */
function lineOf(
  points: readonly (readonly [number, number])[],
): { readonly slope: number; readonly at0: number } | undefined {
  const count = points.length;
  if (count < 2) return undefined;
  const mean = (place: 0 | 1): number => points.reduce((sum, p) => sum + p[place], 0) / count;
  const [x, y] = [mean(0), mean(1)];
  const across = points.reduce((sum, p) => sum + (p[0] - x) * (p[1] - y), 0);
  const slope = across / points.reduce((sum, p) => sum + (p[0] - x) ** 2, 0);
  return { slope, at0: y - slope * x };
}
