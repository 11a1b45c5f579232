import { short, type Warning } from "@resolvent/analysis";
import type { SeriesMeasures } from "./measure-series.ts";
import type { SeriesVerdict } from "./verdict.ts";

/** A partial sum that misses more than this part of `T` is not the model. */
const FAR = 0.1;
/** Above this, a sum and its remainder, which give T by their making, have lost it. */
export const BALANCED = 1e-6;
/** The reach that the check rests on is an estimate: this many times its tolerance is still no sign of a fault. */
const CHECK_SLACK = 1e4;

/** Whether the check says that the coefficients are right; of a single one there is nothing to check. */
export function passesCheck({ norms, check }: Pick<SeriesMeasures, "norms" | "check">): boolean {
  if (norms.length === 1 || !norms.every(Number.isFinite)) return true;
  return (check.relativeError ?? 0) <= CHECK_SLACK * check.tolerance;
}

/** What has to be said with an ε-series. */
export function seriesWarnings(
  measures: SeriesMeasures,
  about: number,
  { verdict, reason }: { readonly verdict: SeriesVerdict; readonly reason: string },
): Warning[] {
  const { norms, partialErrors, nearestKink, check, balance } = measures;
  const order = norms.length - 1;
  const distance = Math.abs(1 - about);
  const error = partialErrors.at(-1);
  const warnings: Warning[] = [];
  const warn = (code: string, message: string): void => void warnings.push({ code, message });
  if (error === null) warn("no-size", "T is 0, so that no error can be relative to it.");
  const missed =
    typeof error === "number"
      ? `The partial sum of order ${order} misses T by ${short(error)} ‖T‖`
      : "";
  const least = partialErrors.reduce<number>(
    (a, b) => Math.min(a, b ?? a),
    Number.POSITIVE_INFINITY,
  );
  if (distance === 0) {
    warn(
      "expansion-point",
      "ε = 1 is where it is expanded about: T_0 is the model, and its powers of ε − ε₀ are 0 there, so that the errors are 0 by definition and say nothing of convergence. Coefficients and radius are those about the model.",
    );
  } else if (verdict === "diverges") {
    warn(
      "diverges",
      `The series does not converge to the model: ${reason}. ${missed} (at best, ${short(least)}); it is no approximation.`,
    );
  } else if (verdict === "not-shown") {
    warn(
      "not-shown",
      `The series is not shown to converge at this order (${order}): ${reason}. ${missed}.`,
    );
  } else if (typeof error === "number" && !(error <= FAR)) {
    warn("large-remainder", `${missed}.`);
  }
  if (nearestKink !== null && nearestKink < distance) {
    warn(
      "relu-kink",
      `The model has ReLUs, and the nearest turns at ε − ε₀ of about ${nearestKink.toExponential(1)}: beyond, T(ε) is another function, which this series does not know, whatever its radius.`,
    );
  }
  const overflow = norms.findIndex((norm) => !Number.isFinite(norm));
  if (overflow >= 0) {
    warn(
      "overflow",
      `Coefficients from order ${overflow} are beyond the range of the engine's numbers: compute in float64, or ask for a lower order.`,
    );
  }
  if (balance !== null && balance > BALANCED) {
    warn(
      "unbalanced",
      `The partial sum is so large that rounding hides T beside it: with its remainder it misses T by ${short(balance)} ‖T‖.`,
    );
  }
  if (!passesCheck(measures)) {
    warn(
      "check-failed",
      `At δ = ${check.delta.toExponential(1)} the series misses the model run there by ${check.relativeError?.toExponential(1)}, where about ${check.tolerance.toExponential(0)} was to be left: its high coefficients are not to be trusted.`,
    );
  }
  return warnings;
}
