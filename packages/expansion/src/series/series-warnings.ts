import { percent, short, type Warning } from "@resolvent/analysis";
import type { SeriesMeasures } from "./measure-series.ts";

/** A partial sum that misses more than this part of `T` is not the model. */
const FAR = 0.1;
/** A partial sum that is nearer has reached `T`, whatever the radius is thought to be. */
const REACHED = 1e-5;
/** Above this, a sum and its remainder, which give T by their making, have lost it. */
const BALANCED = 1e-6;
/** The radius that the check rests on is an estimate: this many times its tolerance is still no sign of a fault. */
const CHECK_SLACK = 1e4;

/** What has to be said with an ε-series, and whether it reaches `ε = 1`. */
export function seriesWarnings(
  measures: SeriesMeasures,
  about: number,
): { readonly warnings: readonly Warning[]; readonly diverges: boolean } {
  const { norms, partialErrors, radius, nearestKink, check } = measures;
  const order = norms.length - 1;
  const distance = Math.abs(1 - about);
  const error = partialErrors.at(-1) ?? Number.NaN;
  const least = Math.min(...partialErrors);
  const beyond = radius.root !== null && radius.root < distance;
  // Where the last coefficient is zero the series is a polynomial: it ends, rightly or not.
  const grows = error > least * (1 + 1e-9) && norms[order] !== 0;
  const diverges = !(error < REACHED) && (beyond || grows || !Number.isFinite(error));
  const warnings: Warning[] = [];
  if (diverges) {
    const reach =
      radius.root === null
        ? "no radius can be estimated"
        : `the radius of convergence is about ${short(radius.root)}`;
    warnings.push({
      code: "diverges",
      message: `The series does not converge to the model: ${reach}, and ε = 1 is ${short(distance)} away. The partial sum of order ${order} misses T by ${short(error)} ‖T‖ (at best, ${short(least)}); it is no approximation.`,
    });
  } else if (!(error <= FAR)) {
    warnings.push({
      code: "large-remainder",
      message: `The partial sum of order ${order} misses T by ${error < 1 ? `${percent(error)} of` : short(error)} ‖T‖.`,
    });
  }
  if (nearestKink !== null && nearestKink < distance) {
    warnings.push({
      code: "relu-kink",
      message: `The model has ReLUs, and the nearest turns at ε − ε₀ of about ${nearestKink.toExponential(1)}: beyond, T(ε) is another function, which this series does not know, whatever its radius.`,
    });
  }
  if (radius.root === null && (order === 0 || norms[order] !== 0)) {
    warnings.push({
      code: "no-radius",
      message: `The coefficients up to order ${order} give no estimate of a radius of convergence.`,
    });
  } else if (order < 4 && radius.root !== null) {
    warnings.push({
      code: "low-order",
      message: `The radius of convergence is estimated from ${order} ${order === 1 ? "order" : "orders"} only.`,
    });
  }
  const overflow = norms.findIndex((norm) => !Number.isFinite(norm));
  if (overflow >= 0) {
    warnings.push({
      code: "overflow",
      message: `Coefficients from order ${overflow} are beyond the range of the engine's numbers: compute in float64, or ask for a lower order.`,
    });
  }
  if (measures.balance > BALANCED) {
    warnings.push({
      code: "unbalanced",
      message: `The partial sum is so large that rounding hides T beside it: with its remainder it misses T by ${short(measures.balance)} ‖T‖.`,
    });
  }
  const tested = overflow < 0 && order > 0;
  const missed = check.relativeError ?? Number.POSITIVE_INFINITY;
  if (tested && missed > CHECK_SLACK * check.tolerance) {
    warnings.push({
      code: "check-failed",
      message: `At δ = ${check.delta.toExponential(1)} the series misses the model run there by ${missed.toExponential(1)}, where about ${check.tolerance.toExponential(0)} was to be left: its high coefficients are not to be trusted.`,
    });
  }
  return { warnings, diverges };
}
