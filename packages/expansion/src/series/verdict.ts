import { short } from "@resolvent/analysis";
import type { Precision } from "@resolvent/tensor";
import { endOf, finiteOrders, type RadiusEstimate } from "./radius.ts";

/**
 * What the numbers of a series carry about its sum at `ε = 1`:
 *
 * - `converges`: every estimate of the radius is beyond, and errors fall as they say. Estimates come from finitely many
 *   orders; what shows in higher ones only, they do not see.
 * - `diverges`: every estimate falls short, and errors grow.
 * - `ends`: a polynomial, which has no radius of convergence.
 * - `not-shown`: anything else.
 */
export type SeriesVerdict = "converges" | "diverges" | "ends" | "not-shown";

/** What a verdict goes by. */
export interface SeriesEvidence {
  readonly precision: Precision;
  /** `|1 − ε₀|` */
  readonly distance: number;
  /** `‖T_k‖`, and `‖T‖`. */
  readonly norms: readonly number[];
  readonly residualNorm: number;
  /** Of partial sums, relative to `‖T‖`. */
  readonly errors: readonly number[];
  readonly estimates: readonly RadiusEstimate[];
  /** The highest power that the series can have; null where that is not known. */
  readonly highest: number | null;
  readonly nearestKink: number | null;
  /** Whether the coefficients passed their check. */
  readonly checked: boolean;
}

/** Fewer orders have no tail to speak of, fewer estimates no spread. */
const ORDERS = 6;
const ESTIMATES = 3;
/**
 * How many times as far as from each other estimates beyond `ε = 1` have to be from it: that errors will go on falling
 * is not seen, as it is that they grow, and the orders to come can move estimates by about what they differ by now.
 */
const BEYOND = 1.5;
/** Errors of partial sums of all kinds up to this are rounding. */
const ROUNDING = { f32: 1e-5, f64: 1e-12 } as const;
/** A partial sum that misses this many times what is left by the estimates has another limit than the model. */
const OTHER_LIMIT = 10;

/** The verdict, and its reason in words. */
export function verdictOf(evidence: SeriesEvidence): {
  readonly verdict: SeriesVerdict;
  readonly reason: string;
} {
  const { distance, norms, errors, estimates, highest, nearestKink, precision } = evidence;
  const orders = finiteOrders(norms);
  const order = orders - 1;
  const shown = (verdict: SeriesVerdict, reason: string) => ({ verdict, reason });
  if (distance === 0) {
    return shown("converges", "ε = 1 is ε₀ itself, where the series is its first term, the model");
  }
  if (highest !== null) {
    const all =
      norms.length > highest
        ? "all of it was computed"
        : `orders ${norms.length} to ${highest} were not computed`;
    const why = `all gates are frozen, so blocks are affine, and the series is a polynomial in ε of degree ${highest} at most: ${all}`;
    return shown("ends", `${why}; it has no radius of convergence`);
  }
  const end = endOf(norms);
  if (end !== null && (errors.at(-1) ?? Number.NaN) <= ROUNDING[precision]) {
    return shown(
      "ends",
      `the series ends at order ${end}: a polynomial, as far as it was computed, which has no radius of convergence`,
    );
  }
  const not = (reason: string) => shown("not-shown", reason);
  if (end !== null) return not(`the series ends at order ${end}, but its sum is not the model`);
  if (order < ORDERS || estimates.length < ESTIMATES) {
    return not(
      `${order + 1} ${order === 0 ? "coefficient tells" : "coefficients tell"} too little of a radius of convergence`,
    );
  }
  if (!evidence.checked) return not("its high coefficients are not to be trusted");
  const growths = estimates.map(({ growth }) => growth * distance);
  const [least, most] = [Math.min(...growths), Math.max(...growths)];
  const all = `all ${estimates.length} estimates of the radius (${spreadOf(estimates)})`;
  const away = `ε = 1, which is ${short(distance)} away`;
  const trend = trendOf(errors.slice(0, orders), ROUNDING[precision]);
  if (most < 1) {
    if (1 - most <= BEYOND * (most - least)) {
      return not(`${all} are beyond ${away}, but differ too much for how near it they are`);
    }
    if (nearestKink !== null && nearestKink < distance) {
      return not(`a ReLU turns before ${away}, where T(ε) becomes another function`);
    }
    if (trend !== "falls") return not(`${all} are beyond ${away}, but the errors do not fall`);
    if (!leavesWhatItShould(evidence, orders, most)) {
      return not(
        `${all} are beyond ${away}, but the sum misses the model by more than what they leave`,
      );
    }
    const far = `as far as the orders up to ${order} show`;
    return shown("converges", `${far}: ${all} are beyond ${away}, and the errors fall accordingly`);
  }
  if (least > 1) {
    if (trend === "grows")
      return shown("diverges", `${all} fall short of ${away}, and the errors grow`);
    return not(`${all} fall short of ${away}, but the errors do not grow`);
  }
  return not(`estimates of the radius (${spreadOf(estimates)}) lie on both sides of ${away}`);
}

/** The least and the largest radius of some estimates, in words. */
function spreadOf(estimates: readonly RadiusEstimate[]): string {
  const radii = estimates.flatMap(({ radius }) => radius ?? []);
  const [least, most] = [Math.min(...radii), Math.max(...radii)];
  if (radii.length === 0) return "no finite radius";
  if (radii.length < estimates.length) return `${short(least)} to no finite radius`;
  return short(least) === short(most) ? short(least) : `${short(least)} to ${short(most)}`;
}

/** Whether the last two errors are below, or above, the first two of the tail; whatever all of them are relative to. */
function trendOf(errors: readonly number[], rounding: number): "falls" | "grows" | "neither" {
  const order = errors.length - 1;
  const start = Math.ceil(order / 2) - 1;
  const before = errors.slice(start, start + 2);
  const after = errors.slice(-2);
  const worst = Math.max(...after);
  if (worst <= rounding || worst < Math.min(...before)) return "falls";
  return Math.min(...after) > Math.max(...before) ? "grows" : "neither";
}

/** Whether the last error is about the geometric series of the last terms, `‖T_k‖ d^k · g/(1−g)`. */
function leavesWhatItShould(
  { norms, residualNorm, errors, distance, precision }: SeriesEvidence,
  orders: number,
  growth: number,
): boolean {
  const terms = [orders - 1, orders - 2].map((k) => (norms[k] ?? 0) * distance ** k);
  const left = (Math.max(...terms) * Math.max(growth, 0.1)) / (1 - growth);
  const error = (errors[orders - 1] ?? Number.NaN) * residualNorm;
  return error <= OTHER_LIMIT * left + ROUNDING[precision] * residualNorm;
}
