import {
  type Certificate,
  certificateFor,
  type PromptOptions,
  type PromptResult,
  pause,
  promptResult,
  type Remainder,
  ratio,
  type TargetFacts,
  type Warning,
} from "@resolvent/analysis";
import { type Engine, type Shaped, sizeAlong, using } from "@resolvent/tensor";
import { blockNames, type Model, type Target, tokenIds } from "@resolvent/transformer";
import { type DegreeMeasures, type Measures, measureTerms } from "./measure.ts";
import { referenceFacts } from "./reference.ts";
import { type TargetTerms, targetTerms } from "./target-terms.ts";
import { type DegreeTerms, degreeTerms, type TermsOptions } from "./terms.ts";

/** A term of a degree expansion, in numbers. */
export interface DegreeTerm {
  /** How many blocks its paths pass through. */
  readonly degree: number;
  /** `‖D_k‖` */
  readonly norm: number;
  /** `‖D_k‖ / ‖T‖`; null where `T` is 0. */
  readonly relativeNorm: number | null;
  /**
   * Share of the vocabulary-centred logits; all shares and the remainder's sum to 1. Null where the centred logits
   * are next to nothing.
   */
  readonly logitShare: number | null;
  /** The sum of all terms up to this one, as a prediction. */
  readonly partial: Pick<DegreeMeasures, "frozenNorm" | "recomputedNorm">;
}

/** A run of a model as a sum over path degrees: plain data, the same object in API, JSON and app. */
export interface DegreeExpansion extends PromptResult<"degree-expansion"> {
  readonly method: "tree" | "sweep";
  /** Degrees `0 … maxDegree`, by default up to the number of blocks. */
  readonly terms: readonly DegreeTerm[];
  /** `‖T − Σ terms‖ / ‖T‖`, and its share of the vocabulary-centred logits. */
  readonly remainder: Remainder;
  /** The constant `W_U β + b_U`, a term of its own: norm of its vocabulary-centred logits at all positions. */
  readonly constant: { readonly logitNorm: number };
  /** What is asked of the run; null where nothing was. */
  readonly target: TargetFacts | null;
  /** What each degree is to the target; null as above. */
  readonly targetDegrees: TargetTerms | null;
  /** What the model itself does. */
  readonly run: {
    /** `‖T‖` */
    readonly residualNorm: number;
    /** Norm of the vocabulary-centred logits at all positions, without the constant. */
    readonly logitNorm: number;
    /** Mean next-token loss, nats; null for a single token. */
    readonly loss: number | null;
  };
  /**
   * Of `‖Σ terms + remainder − T‖ / ‖T‖`. A remainder `from: "difference"` fills every gap by its making: then this
   * shows rounding only.
   */
  readonly certificate: Certificate;
}

export interface ExpandOptions extends TermsOptions, PromptOptions {
  /** Also says what each degree is to this target; default none. */
  readonly target?: Target | undefined;
  /**
   * Computes the certificate's `relativeErrorFloat64`; not called where the engine is float64 itself; default
   * none. With the same model on a float64 engine: `(terms) => balanceError(reference, model64, tokens, terms)`.
   */
  readonly certify?: (terms: TermsOptions) => Promise<number | null>;
}

/**
 * Takes a run apart by path degree and measures every degree; the pieces of the work are degrees, once all terms are
 * made.
 *
 * ```ts
 * const expansion = await expandByDegree(cpu, model, ids, { freeze: ["pattern"], maxDegree: 6 });
 * expansion.terms[2].partial.frozenNorm.kl;      // how near degrees 0, 1 and 2 come to the model
 * expansion.certificate.relativeError;           // whether everything adds up
 * ```
 *
 * @throws InputError what `degreeTerms` throws; the signal's reason where it is aborted
 */
export async function expandByDegree<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: ExpandOptions = {},
): Promise<DegreeExpansion> {
  const { signal, onProgress, certify, text, target, ...termsOptions } = options;
  signal?.throwIfAborted();
  const ids = tokenIds(tokens);
  const terms = (): DegreeTerms<T> => degreeTerms(engine, model, ids, termsOptions);
  return using(engine, terms, async (sum) => {
    const { length: blocks } = blockNames(model.architecture);
    const highest = Math.min(options.maxDegree ?? blocks, blocks);
    const total = sizeAlong(sum.terms.shape, "degree", "expandByDegree");
    const onDegree = async (done: number): Promise<void> => {
      onProgress?.({ done, total });
      await pause(signal);
    };
    await pause(signal);
    const measures = await measureTerms(engine, model, ids, sum, { onDegree });
    const ofTarget =
      target === undefined
        ? null
        : await targetTerms(engine, model, sum, target, { ...(text && { text }), highest });
    const float64 = engine.precision === "f64" ? null : ((await certify?.(termsOptions)) ?? null);
    return {
      ...promptResult("degree-expansion", engine, model, tokens, {
        ...{ text, freeze: sum.freeze, warnings: warningsOf(measures) },
        reference: referenceFacts(options.reference),
      }),
      certificate: certificateFor(engine.precision, measures.relativeError, { float64 }),
      method: sum.method,
      terms: withEmptyDegrees(measures, highest),
      remainder: {
        relativeNorm: ratio(measures.remainderNorm, measures.residualNorm),
        from:
          sum.remainder === undefined ? "none" : sum.method === "sweep" ? "paths" : "difference",
        logitShare: measures.remainderShare,
      },
      constant: { logitNorm: measures.constantNorm },
      target: ofTarget?.target ?? null,
      targetDegrees: ofTarget?.terms ?? null,
      run: {
        residualNorm: measures.residualNorm,
        logitNorm: measures.logitNorm,
        loss: measures.loss,
      },
    };
  });
}

/** Why numbers are not given. */
function warningsOf({ residualNorm, logitNorm, remainderShare, degrees }: Measures): Warning[] {
  const warnings: Warning[] = [];
  if (residualNorm === 0) {
    warnings.push({
      code: "no-size",
      message:
        "T is 0, so that nothing can be relative to it: norms relative to ‖T‖ are not given.",
    });
  }
  if (remainderShare === null || degrees[0]?.logitShare === null) {
    warnings.push({
      code: "no-shares",
      message: `The logits are all but the same for every token (${logitNorm.toExponential(1)} is left when they are centred), so that shares of them are not given.`,
    });
  }
  return warnings;
}

/** Degrees that no path has (a parallel layer passes through one of its blocks) are empty terms. */
function withEmptyDegrees(measures: Measures, highest: number): DegreeTerm[] {
  const { degrees, residualNorm } = measures;
  return Array.from({ length: highest + 1 }, (_, degree) => {
    const own = degrees[degree];
    const last = own ?? (degrees.at(-1) as DegreeMeasures); // degree 0 is always there
    const { frozenNorm, recomputedNorm } = last;
    return {
      degree,
      norm: own?.norm ?? 0,
      relativeNorm: ratio(own?.norm ?? 0, residualNorm),
      logitShare: own === undefined ? 0 : own.logitShare,
      partial: { frozenNorm, recomputedNorm },
    };
  });
}
