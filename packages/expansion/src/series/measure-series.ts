import { normOf, ratio } from "@resolvent/analysis";
import type { Engine, Shaped } from "@resolvent/tensor";
import { using } from "@resolvent/tensor";
import { type Model, tokenIds } from "@resolvent/transformer";
import { GATES } from "../gates.ts";
import { plus, readStream } from "../stream-numbers.ts";
import { checkEpsilon, type EpsilonOptions, epsilonTerms, streamAt } from "./coefficients.ts";
import { finiteOrders, type RadiusEstimate, radiusEstimates } from "./radius.ts";
import { vectorEpsilon } from "./resum.ts";

/** The series against the model run directly at a small δ, where it has to converge. */
export interface SeriesCheck {
  /** `δ`, from the coefficients, so that what is cut off is about the tolerance. */
  readonly delta: number;
  /** `‖Σ_k δ^k T_k − T(ε₀+δ)‖ / ‖T(ε₀+δ)‖`; null where `T(ε₀+δ)` is 0. */
  readonly relativeError: number | null;
  /** What is left when coefficients are right, as far as the radius is. */
  readonly tolerance: number;
}

/** An ε-series in numbers; those that are not finite have left the engine's range. */
export interface SeriesMeasures {
  /** `‖T_k‖` */
  readonly norms: readonly number[];
  /** `‖T‖` of the run. */
  readonly residualNorm: number;
  /** `‖Σ_{j≤k} δ^j T_j − T‖ / ‖T‖` at `ε = 1`, `δ = 1 − ε₀`; null where `T` is 0. */
  readonly partialErrors: readonly (number | null)[];
  /** The same of what Wynn's vector ε-algorithm makes of the partial sums up to `k`. */
  readonly resummedErrors: readonly (number | null)[];
  /** `‖Σ + remainder − T‖ / ‖T‖`, the remainder being the difference: rounding only. */
  readonly balance: number | null;
  /** The radius of convergence, estimated in several ways; none of a series that has ended. */
  readonly radius: readonly RadiusEstimate[];
  /** `min |z_0 / z_1|` over everything that a ReLU reads; null where there is none. */
  readonly nearestKink: number | null;
  readonly check: SeriesCheck;
}

/** What the check leaves where all is well: of rounding and of what is cut off. */
const TOLERANCE = { f32: 1e-5, f64: 1e-12 } as const;

/**
 * Coefficients, partial sums, resummation and radius of an ε-series in numbers.
 *
 * @throws InputError what `epsilonTerms` throws
 */
export async function measureSeries<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: EpsilonOptions = {},
): Promise<SeriesMeasures> {
  const { about, freeze } = checkEpsilon(options);
  const ids = tokenIds(tokens);
  const terms = await using(
    engine,
    () => epsilonTerms(engine, model, ids, options),
    async ({ coefficients, residual, kinks }) => {
      const read: Float64Array[] = [];
      for (const coefficient of coefficients) read.push(await readStream(engine, coefficient));
      const nearestKink = await nearest(engine, kinks);
      return { coefficients: read, residual: await readStream(engine, residual), nearestKink };
    },
  );
  const { coefficients, residual, nearestKink } = terms;
  const norms = coefficients.map(normOf);
  const residualNorm = normOf(residual);
  // Of affine blocks it is a polynomial, whether or not its last order was computed.
  const affine = freeze.length === GATES.length;
  const radius = affine ? [] : radiusEstimates(coefficients, norms, engine.precision);
  const sums = partialSums(coefficients, 1 - about);
  const errorOf = (sum: Float64Array): number | null =>
    ratio(normOf(plus(sum, residual, -1)), residualNorm);
  const whole = sums.at(-1) as Float64Array; // there is a coefficient of order 0
  const remainder = plus(residual, whole, -1);
  const tolerance = TOLERANCE[engine.precision];
  const delta = smallDelta(norms, nearestKink, tolerance);
  const direct = await using(
    engine,
    () => streamAt(engine, model, ids, about + delta, freeze),
    (stream) => readStream(engine, stream),
  );
  const near = partialSums(coefficients, delta).at(-1) as Float64Array; // as above
  return {
    norms,
    residualNorm,
    partialErrors: sums.map(errorOf),
    resummedErrors: vectorEpsilon(sums).map(errorOf),
    balance: errorOf(plus(whole, remainder)),
    radius,
    nearestKink,
    check: {
      delta,
      relativeError: ratio(normOf(plus(near, direct, -1)), normOf(direct)),
      tolerance,
    },
  };
}

/** `Σ_{j≤k} δ^j T_j` for every `k`. */
function partialSums(coefficients: readonly Float64Array[], delta: number): Float64Array[] {
  const sums: Float64Array[] = [];
  coefficients.forEach((coefficient, k) => {
    const before = sums[k - 1];
    sums.push(before === undefined ? coefficient : plus(before, coefficient, delta ** k));
  });
  return sums;
}

/**
 * Where what is beyond the last order is about the tolerance, and no ReLU has turned: no coefficient of the upper half
 * of the orders is larger there than `T_0` times its power of that part.
 */
function smallDelta(norms: readonly number[], kink: number | null, tolerance: number): number {
  const orders = finiteOrders(norms);
  const [first = 0] = norms;
  const reaches = norms
    .slice(0, orders)
    .flatMap((norm, k) =>
      k >= Math.max(1, Math.ceil((orders - 1) / 2)) && norm > 0 && first > 0
        ? [(first / norm) ** (1 / k)]
        : [],
    );
  const reach = reaches.length === 0 ? 1 : Math.min(...reaches);
  const cut = reach * tolerance ** (1 / norms.length);
  return Math.min(1, cut, (kink ?? Number.POSITIVE_INFINITY) / 2);
}

async function nearest<T extends Shaped>(
  engine: Engine<T>,
  kinks: readonly { readonly z0: T; readonly z1: T }[],
): Promise<number | null> {
  let least = Number.POSITIVE_INFINITY;
  for (const { z0, z1 } of kinks) {
    const [values, slopes] = [(await engine.read(z0)).data, (await engine.read(z1)).data];
    values.forEach((value, i) => {
      const distance = Math.abs(value / (slopes[i] as number)); // both of one shape
      if (distance < least) least = distance; // not where both are 0
    });
  }
  return Number.isFinite(least) ? least : null;
}
