import type { Precision } from "@resolvent/tensor";

/** Below this part of what it was computed from, a number is the rounding of its computation. */
const ROUNDING = { f32: 1e-5, f64: 1e-13 } as const;

/**
 * Whether a number is next to nothing: zero, or hidden by rounding.
 *
 * @param scale the size of what it was computed from, such as the terms of a sum or of a difference; 0 where only an
 *   exact zero counts
 */
export function isNothing(value: number, scale: number, precision: Precision): boolean {
  return Math.abs(value) <= ROUNDING[precision] * scale;
}

/**
 * `part / whole`; null where `whole` is next to nothing, so that the quotient would say something about rounding only.
 * Say why beside the number.
 *
 * @param scale what `whole` was computed from, as for `isNothing`; default 0
 */
export function ratio(
  part: number,
  whole: number,
  {
    scale = 0,
    precision = "f64",
  }: { readonly scale?: number; readonly precision?: Precision } = {},
): number | null {
  return isNothing(whole, scale, precision) ? null : part / whole;
}
