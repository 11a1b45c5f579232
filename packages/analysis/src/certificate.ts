import type { Precision } from "@resolvent/tensor";
import { short } from "./figures.ts";

/** How far the terms of a result are from adding up to what was taken apart, and whether that is rounding. */
export interface Certificate {
  /** In the precision of the result; null where there is nothing to be relative to. */
  readonly relativeError: number | null;
  /** The same with everything recomputed in float64; null where that was not asked for, and as above. */
  readonly relativeErrorFloat64: number | null;
  /** A `relativeError` up to this is rounding. */
  readonly tolerance: number;
  /** A `relativeErrorFloat64` up to this is rounding. */
  readonly toleranceFloat64: number;
  /** Whether every error is within its tolerance; `undefined` where there is nothing to be relative to. */
  readonly verdict: "adds-up" | "does-not-add-up" | "undefined";
}

/** Relative errors up to this are rounding. A larger one is no sum of the model, whether by rounding or by a fault. */
export const CERTIFICATE_TOLERANCE: Readonly<Record<Precision, number>> = { f32: 1e-3, f64: 1e-9 };

/**
 * The certificate that errors make. In float64 the error is that of float64 itself.
 *
 * @param relativeError in that precision; null where there is nothing to be relative to
 */
export function certificateFor(
  precision: Precision,
  relativeError: number | null,
  {
    float64 = null,
    tolerance,
  }: {
    /** The error with everything recomputed in float64; default not asked for. */
    readonly float64?: number | null;
    /** Of both errors; default `CERTIFICATE_TOLERANCE` of their precisions. */
    readonly tolerance?: number;
  } = {},
): Certificate {
  const errors = {
    relativeError,
    relativeErrorFloat64: precision === "f64" ? relativeError : float64,
    tolerance: tolerance ?? CERTIFICATE_TOLERANCE[precision],
    toleranceFloat64: tolerance ?? CERTIFICATE_TOLERANCE.f64,
  };
  const within = judgedErrors(errors, precision).every((judged) => judged.within);
  const verdict = !within ? "does-not-add-up" : relativeError === null ? "undefined" : "adds-up";
  return { ...errors, verdict };
}

/**
 * The worst of the certificates of several results: of each error the largest, of each tolerance the least; null where
 * none has one.
 */
export function worstCertificate(all: readonly (Certificate | null)[]): Certificate | null {
  return all
    .filter((one) => one !== null)
    .reduce<Certificate | null>((worst, one) => {
      if (worst === null) return one;
      return {
        relativeError: larger(worst.relativeError, one.relativeError),
        relativeErrorFloat64: larger(worst.relativeErrorFloat64, one.relativeErrorFloat64),
        tolerance: Math.min(worst.tolerance, one.tolerance),
        toleranceFloat64: Math.min(worst.toleranceFloat64, one.toleranceFloat64),
        verdict:
          VERDICTS.find((verdict) => [worst, one].some((own) => own.verdict === verdict)) ??
          "undefined",
      };
    }, null);
}

/** The worst first. */
const VERDICTS = ["does-not-add-up", "adds-up", "undefined"] as const;

/** What is not a number is larger than all that is: comparisons with it are false. */
function larger(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return a >= b || Number.isNaN(a) ? a : b;
}

/** An error of a certificate. */
export interface JudgedError {
  /** `relativeError` */
  readonly name: string;
  readonly error: number;
  readonly tolerance: number;
  /** Whether it is within the tolerance; what is not a number is not. */
  readonly within: boolean;
}

/**
 * The numbers of a certificate, each with what it may be at most: its `tolerance`, or `toleranceFloat64` of those called
 * `…Float64`, or `CERTIFICATE_TOLERANCE` where a contributed result has none.
 *
 * @param precision of the result
 */
export function judgedErrors(certificate: unknown, precision: Precision): JudgedError[] {
  const { tolerance, toleranceFloat64 = tolerance, ...others } = Object(certificate); // null has none
  return Object.entries(others).flatMap(([name, error]): JudgedError[] => {
    if (typeof error !== "number") return [];
    const again = name.endsWith("Float64");
    const own: unknown = again ? toleranceFloat64 : tolerance;
    const least = typeof own === "number" ? own : CERTIFICATE_TOLERANCE[again ? "f64" : precision];
    return [{ name, error, tolerance: least, within: error <= least }];
  });
}

/**
 * A certificate as a line under a table: `certificate: ‖Σ D_k − T‖/‖T‖ = 3.1e-7 (f32), 8.0e-17 (recomputed in
 * f64)`. Says at the number where it is above its tolerance, and where the remainder is a difference, so that it
 * shows rounding only.
 */
export function certificateLine(
  formula: string,
  certificate: Certificate,
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
  const { relativeError, relativeErrorFloat64, tolerance, toleranceFloat64 } = certificate;
  const figure = (error: number | null, least: number, how: string): string => {
    if (error === null) return `undefined (${how}: what it is relative to is 0)`;
    const above = error <= least ? "" : `, ABOVE the tolerance of ${short(least)}`;
    return `${short(error)} (${how}${above})`;
  };
  const anew =
    precision === "f64" || relativeErrorFloat64 === null
      ? ""
      : `, ${figure(relativeErrorFloat64, toleranceFloat64, "recomputed in float64")}`;
  const made =
    remainder === "difference"
      ? "; the rest is T minus the terms by definition, so this shows rounding only"
      : "";
  return `certificate: ${formula} = ${figure(relativeError, tolerance, computed)}${anew}${made}`;
}
