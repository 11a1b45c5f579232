import {
  type Certificate,
  certificateFor,
  type PromptOptions,
  type PromptResult,
  promptResult,
  type Remainder,
  ratio,
  ZERO_REFERENCE,
} from "@resolvent/analysis";
import type { Engine, Shaped } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import { GATES } from "../gates.ts";
import { checkEpsilon, type EpsilonOptions } from "./coefficients.ts";
import { measureSeries, type SeriesCheck, type SeriesMeasures } from "./measure-series.ts";
import type { RadiusEstimate } from "./radius.ts";
import { BALANCED, passesCheck, seriesWarnings } from "./series-warnings.ts";
import { type SeriesVerdict, verdictOf } from "./verdict.ts";

/** A run as a power series in ε, the size of all block outputs: plain data. */
export interface EpsilonSeries extends PromptResult<"epsilon-series"> {
  /** `ε₀`: the series is one in `δ = ε − ε₀`. */
  readonly about: number;
  /** Where partial sums are taken: the model itself. */
  readonly at: 1;
  /** `T_k` for `k = 0 … K`. */
  readonly coefficients: readonly {
    readonly order: number;
    /** `‖T_k‖` */
    readonly norm: number;
    /** `‖T_k‖ / ‖T‖`; null where `T` is 0. */
    readonly relativeNorm: number | null;
  }[];
  /** Partial sums at ε = 1: `‖Σ_{j≤k} (1−ε₀)^j T_j − T‖ / ‖T‖`. */
  readonly partial: readonly { readonly order: number; readonly relativeError: number | null }[];
  /** The radius of convergence, estimated in several ways, and the least and the largest of them. */
  readonly radius: {
    /** None of a series that ends. */
    readonly estimates: readonly RadiusEstimate[];
    /** Null where there is no estimate, or none is finite. */
    readonly least: number | null;
    /** Null where there is no estimate, or one is that there is no finite radius. */
    readonly largest: number | null;
  };
  /** The highest power that the series can have, where all gates are frozen: blocks are affine then; else null. */
  readonly highestPower: number | null;
  /** What the numbers carry about the sum at ε = 1, and why. */
  readonly verdict: SeriesVerdict;
  readonly reason: string;
  /** Whether the verdict is `diverges`. */
  readonly diverges: boolean;
  /** Not the series but a sum assigned to it, from the same coefficients: its error at ε = 1 by the orders used. */
  readonly resummed: {
    /** Wynn's vector ε-algorithm: diagonal vector Padé approximants. */
    readonly method: "vector-epsilon";
    readonly orders: readonly { readonly order: number; readonly relativeError: number | null }[];
  };
  /** `T` less the last partial sum. */
  readonly remainder: Remainder;
  /** How far from ε₀, to first order, the nearest ReLU turns: the series says nothing beyond; null without ReLU. */
  readonly nearestKink: number | null;
  readonly run: { readonly residualNorm: number };
  /** The coefficients, tested where the series has to converge. */
  readonly check: SeriesCheck & {
    /** The same with everything recomputed in float64; null where that was not asked for. */
    readonly float64: SeriesCheck | null;
  };
  /** A remainder `from: "difference"` fills every gap by its making: this shows whether rounding hides T beside the sum. */
  readonly certificate: Certificate;
}

export interface EpsilonSeriesOptions
  extends EpsilonOptions,
    Pick<PromptOptions, "text" | "signal"> {
  /**
   * Measures the same series in float64; not called where the engine has that itself; default none. With the same
   * model on a float64 engine: `(same) => measureSeries(reference, model64, tokens, same)`.
   */
  readonly certify?: (options: EpsilonOptions) => Promise<SeriesMeasures>;
}

/**
 * Expands a run in powers of ε, with every block's output times ε: what the model's blocks do together as a Taylor
 * series about the model without them, or about another strength.
 *
 * ```ts
 * const series = await epsilonSeries(cpu, model, ids, { order: 6 });
 * series.partial[6].relativeError; // of the sum at ε = 1, where the model is
 * series.verdict;                  // what its numbers carry: "diverges", "converges", "not-shown", …
 * ```
 *
 * @throws InputError what `epsilonTerms` throws; the signal's reason where it is aborted
 */
export async function epsilonSeries<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: EpsilonSeriesOptions = {},
): Promise<EpsilonSeries> {
  const { text, certify, signal, ...given } = options;
  const settings = checkEpsilon(given);
  signal?.throwIfAborted();
  const measures = await measureSeries(engine, model, tokens, settings);
  signal?.throwIfAborted();
  const again = engine.precision === "f64" ? measures : ((await certify?.(settings)) ?? null);
  const { norms, residualNorm, partialErrors, resummedErrors, radius } = measures;
  const highestPower = settings.freeze.length === GATES.length ? model.stages.length : null;
  const judged = verdictOf({
    precision: engine.precision,
    distance: Math.abs(1 - settings.about),
    norms,
    residualNorm,
    errors: partialErrors.map((error) => error ?? Number.NaN),
    estimates: radius,
    highest: highestPower,
    nearestKink: measures.nearestKink,
    checked: passesCheck(measures),
  });
  const byOrder = (errors: readonly (number | null)[]) =>
    errors.map((relativeError, order) => ({ order, relativeError }));
  const radii = radius.flatMap((estimate) => estimate.radius ?? []);
  return {
    ...promptResult("epsilon-series", engine, model, tokens, {
      ...{ text, freeze: settings.freeze, reference: ZERO_REFERENCE },
      warnings: seriesWarnings(measures, settings.about, judged),
    }),
    about: settings.about,
    at: 1,
    coefficients: norms.map((norm, order) => ({
      order,
      norm,
      relativeNorm: ratio(norm, residualNorm),
    })),
    partial: byOrder(partialErrors),
    radius: {
      estimates: radius,
      least: radii.length === 0 ? null : Math.min(...radii),
      largest: radii.length === 0 || radii.length < radius.length ? null : Math.max(...radii),
    },
    highestPower,
    ...judged,
    diverges: judged.verdict === "diverges",
    resummed: { method: "vector-epsilon", orders: byOrder(resummedErrors) },
    remainder: { from: "difference", relativeNorm: partialErrors.at(-1) ?? null },
    nearestKink: measures.nearestKink,
    run: { residualNorm },
    check: { ...measures.check, float64: again?.check ?? null },
    certificate: certificateFor(engine.precision, measures.balance, {
      float64: again?.balance ?? null,
      tolerance: BALANCED,
    }),
  };
}
