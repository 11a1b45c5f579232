import type { Precision } from "@resolvent/tensor";
import { short } from "./figures.ts";

/** How far the terms of a result are from adding up to what was taken apart. */
export interface Certificate {
  /** In the precision of the result; null where there is nothing to be relative to. */
  readonly relativeError: number | null;
  /** The same with everything computed anew in float64; null where that was not asked for. */
  readonly relativeErrorFloat64?: number | null;
  /** Errors up to this are rounding; default `CERTIFICATE_TOLERANCE` of the precision. */
  readonly tolerance?: number;
}

/** Relative errors up to this are rounding. A larger one is no sum of the model, whether by rounding or by a fault. */
export const CERTIFICATE_TOLERANCE: Readonly<Record<Precision, number>> = { f32: 1e-3, f64: 1e-9 };

/**
 * A certificate as a line under a table: `certificate: ‖Σ D_k − T‖/‖T‖ = 3.1e-7 (f32), 8.0e-17 (computed anew in
 * f64)`. Says at the number where it is above its tolerance, and where the remainder is a difference, so that it
 * shows rounding only.
 */
export function certificateLine(
  formula: string,
  { relativeError, relativeErrorFloat64 = null, tolerance }: Certificate,
  {
    precision,
    remainder = "none",
    computed = precision,
  }: {
    /** Of the result. */
    readonly precision: Precision;
    /** Whether the remainder is, by definition, what the terms leave. */
    readonly remainder?: "none" | "paths" | "difference";
    /** How it was computed, in brackets; default the precision. */
    readonly computed?: string;
  },
): string {
  const figure = (error: number | null, own: Precision, how: string): string => {
    const least = tolerance ?? CERTIFICATE_TOLERANCE[own];
    if (error === null) return `undefined (${how}: what it is relative to is 0)`;
    const above = error <= least ? "" : `, ABOVE the tolerance of ${short(least)}`;
    return `${short(error)} (${how}${above})`;
  };
  const anew =
    precision === "f64" || relativeErrorFloat64 === null
      ? ""
      : `, ${figure(relativeErrorFloat64, "f64", "computed anew in f64")}`;
  const made =
    remainder === "difference"
      ? "; the rest is T minus the terms by definition, so this shows rounding only"
      : "";
  return `certificate: ${formula} = ${figure(relativeError, precision, computed)}${anew}${made}`;
}
