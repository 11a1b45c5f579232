import {
  type Cost,
  cost,
  type Engine,
  type Precision,
  type Priced,
  type Shaped,
} from "@resolvent/tensor";
import { blocksOf, type Model, plainSites, tokenIds, unembed } from "@resolvent/transformer";
import type { Gate } from "./gates.ts";
import { type DegreeMeasures, type Measures, measureTerms, termNorms } from "./measure.ts";
import { type DegreeTerms, degreeTerms, type TermsOptions } from "./terms.ts";

/** A term of a degree expansion, in numbers. */
export interface DegreeTerm {
  /** How many blocks its paths pass through. */
  readonly degree: number;
  /** `‖D_k‖` */
  readonly norm: number;
  /** `‖D_k‖ / ‖T‖` */
  readonly relativeNorm: number;
  /** Share of the vocabulary-centred logits; all shares and the remainder's sum to 1. */
  readonly logitShare: number;
  /** The sum of all terms up to this one, as a prediction. */
  readonly partial: Pick<DegreeMeasures, "frozenNorm" | "recomputedNorm">;
}

/** A run of a model as a sum over path degrees: plain data, the same object in API, JSON and app. */
export interface DegreeExpansion {
  readonly schemaVersion: 1;
  readonly kind: "degree-expansion";
  readonly model: {
    readonly name: string;
    readonly sha256: string | null;
    /** `model_type` of its config. */
    readonly architecture: string;
    readonly blocks: readonly string[];
  };
  readonly input: { readonly tokens: readonly { readonly id: number; readonly text: string }[] };
  readonly method: "tree" | "sweep";
  readonly freeze: readonly Gate[];
  readonly reference: "zero" | "mean" | "run";
  /** Weights are used as stored. */
  readonly weightProcessing: "none";
  readonly engine: string;
  readonly precision: Precision;
  /** Degrees `0 … maxDegree`, by default up to the number of blocks. */
  readonly terms: readonly DegreeTerm[];
  readonly remainder: {
    /** `‖T − Σ terms‖ / ‖T‖`; exactly 0 where no degree is left out. */
    readonly relativeNorm: number;
    /** `none`; its own sum of `paths`; or, for trees, the `difference` between run and terms. */
    readonly from: "none" | "paths" | "difference";
  };
  /** The constant `W_U β + b_U`, a term of its own: norm of its vocabulary-centred logits. */
  readonly constant: { readonly logitNorm: number };
  /** What the model itself does. */
  readonly run: { readonly residualNorm: number; readonly loss: number | null };
  readonly certificate: {
    /** `‖Σ terms + remainder − T‖ / ‖T‖` in the precision used. */
    readonly relativeError: number;
    /** The same with everything computed anew in float64; null where that was not asked for. */
    readonly relativeErrorFloat64: number | null;
  };
}

export interface ExpandOptions extends TermsOptions {
  /** The text of a token, for the result; default none. */
  readonly text?: (id: number) => string;
  /**
   * The same model on a float64 engine, for the certificate; not needed where the engine is float64 itself.
   * Gives the certificate's `relativeErrorFloat64`, null without it.
   */
  readonly certify?: (terms: TermsOptions) => Promise<number>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/**
 * Takes a run apart by path degree and measures every degree.
 *
 * ```ts
 * const expansion = await expandByDegree(cpu, model, ids, { freeze: ["pattern"], maxDegree: 6 });
 * expansion.terms[2].partial.frozenNorm.kl;      // how near degrees 0, 1 and 2 come to the model
 * expansion.certificate.relativeError;           // that everything adds up
 * ```
 *
 * @throws InputError for a bad option or input, by name
 */
export async function expandByDegree<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: ExpandOptions = {},
): Promise<DegreeExpansion> {
  const { signal, onProgress, certify, text, ...termsOptions } = options;
  signal?.throwIfAborted();
  const ids = tokenIds(tokens);
  const sum = degreeTerms(engine, model, ids, termsOptions);
  try {
    const blocks = blocksOf(model).map((block) => block.name);
    const highest = Math.min(options.maxDegree ?? blocks.length, blocks.length);
    const measures = await measureTerms(engine, model, ids, sum, (done) => {
      signal?.throwIfAborted();
      onProgress?.({ done, total: sum.terms.shape.degree ?? done });
    });
    const float64 =
      engine.precision === "f64"
        ? measures.relativeError
        : ((await certify?.(termsOptions)) ?? null);
    return {
      schemaVersion: 1,
      kind: "degree-expansion",
      model: {
        name: model.name,
        sha256: model.sha256 ?? null,
        architecture: model.architecture.family,
        blocks,
      },
      input: { tokens: tokens.map((id) => ({ id, text: text?.(id) ?? "" })) },
      method: sum.method,
      freeze: sum.freeze,
      reference: options.reference?.kind ?? "zero",
      weightProcessing: "none",
      engine: engine.name,
      precision: engine.precision,
      terms: withEmptyDegrees(measures, highest),
      remainder: {
        relativeNorm: measures.remainderNorm / measures.residualNorm,
        from:
          sum.remainder === undefined ? "none" : sum.method === "sweep" ? "paths" : "difference",
      },
      constant: { logitNorm: measures.constantNorm },
      run: { residualNorm: measures.residualNorm, loss: measures.loss },
      certificate: { relativeError: measures.relativeError, relativeErrorFloat64: float64 },
    };
  } finally {
    engine.free(sum);
  }
}

/** `‖Σ terms + remainder − T‖ / ‖T‖` on an engine, without any other measure. */
export async function balanceError<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: TermsOptions = {},
): Promise<number> {
  const { error, residual } = engine.scope(() =>
    termNorms(engine, degreeTerms(engine, model, tokenIds(tokens), options)),
  );
  const [numerator] = (await engine.read(error)).data;
  const [denominator] = (await engine.read(residual)).data;
  engine.free([error, residual]);
  return (numerator ?? Number.NaN) / (denominator ?? Number.NaN);
}

/** What an expansion would take, its logit report included, from shapes alone. */
export function expansionCost(
  outline: Model<Priced>,
  tokens: readonly number[],
  options: TermsOptions & { readonly precision?: Precision } = {},
): Cost {
  const { precision = "f32", ...termsOptions } = options;
  const ops = cost({ precision });
  const ids = tokenIds(tokens);
  ops.scope(() => {
    const sum: DegreeTerms<Priced> = degreeTerms(ops, outline, ids, termsOptions);
    const level = ops.given(sum.residual.shape);
    const variants = outline.final.norm === undefined ? 1 : 2;
    // The model's own logits forwards and backwards, and every partial sum in each variant.
    const times = 2 + variants * (sum.partials.shape.degree ?? 1);
    for (let n = 0; n < times; n++)
      ops.scope(() => void unembed(ops, outline, level, plainSites()));
  });
  return ops.total();
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
      relativeNorm: (own?.norm ?? 0) / residualNorm,
      logitShare: own?.logitShare ?? 0,
      partial: { frozenNorm, recomputedNorm },
    };
  });
}
