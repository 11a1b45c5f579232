import type { WeightProcessing } from "@resolvent/analysis";
import { InputError, type Ops, type Shaped, sizeAlong, transposed } from "@resolvent/tensor";
import {
  type AttentionBlock,
  affine,
  type Block,
  type MlpBlock,
  type Model,
  type NormWeights,
  normalize,
  type Sites,
} from "@resolvent/transformer";

/** What is to be done to weights before they are measured. */
export interface ProcessingOptions {
  /**
   * Takes the scale and bias of each block's norm and of the final norm into the weights that read through it,
   * and, for LayerNorm, centres those weights over `d_model`; default true.
   */
  readonly foldNorms?: boolean;
  /** Centres over `d_model` what is written to the stream, where every reader is a LayerNorm; default true. */
  readonly centreWrites?: boolean;
  /** Centres the unembedding over the vocabulary, which changes all logits by one number; default false. */
  readonly centreVocabulary?: boolean;
}

export type { WeightProcessing };

/** Weights as they are stored. */
export const RAW: ProcessingOptions = { foldNorms: false, centreWrites: false };

/**
 * What `options` come to for a model: RMSNorm does not centre, so nothing may be centred; without norms there is
 * nothing to fold.
 */
export function processingFor<T extends Shaped>(
  model: Pick<Model<T>, "architecture">,
  options: ProcessingOptions = {},
): WeightProcessing {
  const { norm } = model.architecture;
  const { foldNorms = true, centreWrites = true, centreVocabulary = false } = options;
  return {
    foldNorms: foldNorms && norm !== "none",
    centreReads: foldNorms && norm === "layer",
    centreWrites: centreWrites && norm === "layer",
    centreVocabulary,
  };
}

/** As results carry it: `none` where weights are as stored. */
export function processingRecord(processing: WeightProcessing): WeightProcessing | "none" {
  return Object.values(processing).some((done) => done) ? processing : "none";
}

/** A model after weight processing. */
export interface ProcessedModel<T extends Shaped> {
  readonly model: Model<T>;
  readonly weightProcessing: WeightProcessing;
}

/**
 * The same model with its norms' scales folded into the weights that read, and what is written centred:
 *
 *     W := P diag(γ) W,  b := b + β W        for W_Q, W_K, W_V, W_in, W_gate, W_U
 *     W := W P,          b := P b            for W_E, W_pos, W_O, W_out
 *
 * with `P` centring over `d_model` (the identity for RMSNorm). Logits stay the same but for rounding, or, with
 * `centreVocabulary`, but for one number at each position. Norms over `d_head` (queries and keys), inside an MLP
 * and of what a block writes stay as they are.
 *
 * A weight that does not change is the same value in both models: free the processed one by a scope, not by
 * `free`. All layers are in memory at once, of a streamed model too.
 *
 * ```ts
 * engine.scope(() => run(engine, processWeights(engine, model).model, ids).logits);
 * ```
 *
 * @throws InputError `attention/capped-logits` where logits that are capped should be centred
 */
export function processWeights<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  options: ProcessingOptions = {},
): ProcessedModel<T> {
  const processing = processingFor(model, options);
  const { cap } = model.final;
  if (processing.centreVocabulary && cap !== undefined) {
    throw new InputError({
      code: "attention/capped-logits",
      message: `${model.name} caps its logits at ±${cap}: centred over the vocabulary they would be capped elsewhere.`,
      remedy:
        "Leave centreVocabulary out; circuits and tables, which are read before the cap, take it.",
      details: { cap },
    });
  }
  const { W_E, W_pos } = model.embed;
  const write = (W: T): T => written(ops, W, processing);
  const changed = processing.foldNorms || processing.centreVocabulary || processing.centreWrites;
  return ops.scope(() => ({
    weightProcessing: processing,
    model: {
      ...model,
      architecture: { ...model.architecture, tied: model.architecture.tied && !changed },
      embed: {
        ...model.embed,
        W_E: write(W_E),
        ...(W_pos !== undefined && { W_pos: write(W_pos) }),
      },
      stages: [...model.stages].map((stage) =>
        stage.map((block) => processBlock(ops, block, processing)),
      ),
      final: processFinal(ops, model.final, processing),
    },
  }));
}

/** One block of `processWeights`. */
export function processBlock<T extends Shaped, B extends Block<T>>(
  ops: Ops<T>,
  block: B,
  processing: WeightProcessing,
): B {
  const { norm } = block;
  const read = (W: T): T => readThrough(ops, W, norm, processing);
  const write = (W: T): T => written(ops, W, processing);
  const bias = (b: T | undefined, W: T): T | undefined => biasThrough(ops, b, W, norm, processing);
  const folded = norm && (processing.foldNorms ? bare(norm) : norm);
  const own = (x: AttentionBlock<T> | MlpBlock<T>): AttentionBlock<T> | MlpBlock<T> => {
    if (x.kind === "attn") {
      const { W_Q, W_K, W_V, W_O } = x;
      const weights = { W_Q: read(W_Q), W_K: read(W_K), W_V: read(W_V), W_O: write(W_O) };
      const biases = present({
        b_Q: bias(x.b_Q, W_Q),
        b_K: bias(x.b_K, W_K),
        b_V: bias(x.b_V, W_V),
        b_O: x.b_O && write(x.b_O),
      });
      return { ...x, ...weights, ...biases, ...(folded && { norm: folded }) };
    }
    const { W_in, W_gate, W_out } = x;
    const weights = { W_in: read(W_in), W_out: write(W_out) };
    const parts = present({
      W_gate: W_gate && read(W_gate),
      b_in: bias(x.b_in, W_in),
      b_gate: W_gate && bias(x.b_gate, W_gate),
      b_out: x.b_out && write(x.b_out),
    });
    return { ...x, ...weights, ...parts, ...(folded && { norm: folded }) };
  };
  return own(block) as B; // a block of the same kind
}

/** The final norm and the unembedding of `processWeights`. */
function processFinal<T extends Shaped>(
  ops: Ops<T>,
  final: Model<T>["final"],
  processing: WeightProcessing,
): Model<T>["final"] {
  const { norm, W_U } = final;
  const overVocabulary = (x: T): T => (processing.centreVocabulary ? ops.center(x, "vocab") : x);
  const b_U = biasThrough(ops, final.b_U, W_U, norm, processing);
  return {
    ...final,
    ...(norm && { norm: processing.foldNorms ? bare(norm) : norm }),
    W_U: overVocabulary(readThrough(ops, W_U, norm, processing)),
    ...(b_U && { b_U: overVocabulary(b_U) }),
  };
}

/**
 * Directions of the stream as the unembedding of the processed model sees them: `x P diag(γ)`, so that
 * `readoutOf(x) · W_U` is `x` times the processed `W_U`, which need not be made.
 *
 * @param x `…, d_model`
 */
export function readoutOf<T extends Shaped>(
  ops: Ops<T>,
  final: Model<T>["final"],
  x: T,
  processing: WeightProcessing,
): T {
  const norm = foldedNorm(final.norm, processing);
  return norm === undefined ? x : throughNorm(ops, norm, x, "d_model");
}

/** `P diag(γ) W`: covectors of what the norm gives as covectors of the stream. */
function readThrough<T extends Shaped>(
  ops: Ops<T>,
  W: T,
  norm: NormWeights<T> | undefined,
  processing: WeightProcessing,
): T {
  const folded = foldedNorm(norm, processing);
  if (folded === undefined) return W;
  return ops.scope(() => {
    const back = transposed(ops);
    const { scale, bias, ...plain } = folded;
    const own = { ...plain, ...(scale && { scale: back.fixed(scale) }) };
    const x = back.variable({ d_model: sizeAlong(W.shape, "d_model", "processWeights") });
    return back.pull(throughNorm(back, own, x, "d_model"), W, x);
  });
}

/**
 * A query or key weight with the scale of a norm over queries or keys (QK norm) folded in: for circuits only, as
 * the norm's denominator is that of the unscaled query, so the model itself cannot be written like this.
 */
export function throughHeadNorm<T extends Shaped>(
  ops: Ops<T>,
  W: T,
  norm: NormWeights<T> | undefined,
  processing: WeightProcessing,
): T {
  if (norm === undefined || !processing.foldNorms) return W;
  return throughNorm(ops, norm, W, "d_head");
}

/**
 * An output weight with the scale of a norm of what the block writes folded in: for circuits only, as above.
 *
 * @param W with `d_model`
 */
export function throughWriteNorm<T extends Shaped>(
  ops: Ops<T>,
  W: T,
  norm: NormWeights<T> | undefined,
  processing: WeightProcessing,
): T {
  if (norm === undefined || !processing.foldNorms) return W;
  return throughNorm(ops, norm, W, "d_model");
}

/** What of a norm is folded into weights, where anything is: centring only where reads are centred. */
function foldedNorm<T extends Shaped>(
  norm: NormWeights<T> | undefined,
  { foldNorms, centreReads }: WeightProcessing,
): NormWeights<T> | undefined {
  if (norm === undefined || !foldNorms) return undefined;
  const kind = centreReads ? norm.kind : "rms";
  return kind === "rms" && norm.scale === undefined ? undefined : { ...norm, kind };
}

/** `x P diag(γ)`: a norm with its denominator held at 1, and without its bias. */
function throughNorm<T extends Shaped>(
  ops: Ops<T>,
  { bias, ...norm }: NormWeights<T>,
  x: T,
  axis: string,
): T {
  const held: Sites<T> = { at: () => ops.fill({}, 1), wants: () => false };
  return normalize(ops, norm, x, axis, held, "norm");
}

/** `b + β W`. */
function biasThrough<T extends Shaped>(
  ops: Ops<T>,
  b: T | undefined,
  W: T,
  norm: NormWeights<T> | undefined,
  processing: WeightProcessing,
): T | undefined {
  if (norm?.bias === undefined || !processing.foldNorms) return b;
  return affine(ops, norm.bias, { W, b }, ["d_model"]);
}

function written<T extends Shaped>(ops: Ops<T>, W: T, processing: WeightProcessing): T {
  return processing.centreWrites ? ops.center(W, "d_model") : W;
}

function bare<T>({ kind, eps }: NormWeights<T>): NormWeights<T> {
  return { kind, eps };
}

/** Without the fields that are undefined. */
function present<V extends Readonly<Record<string, unknown>>>(
  fields: V,
): { [K in keyof V]?: NonNullable<V[K]> } {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [K in keyof V]?: NonNullable<V[K]> }; // the same names
}

/** Weight processing in words, as tables say it: `norms folded, writes centred`. */
export function processingWords(processing: WeightProcessing | "none"): string {
  if (processing === "none") return "weights as stored";
  const { foldNorms, centreReads, centreWrites, centreVocabulary } = processing;
  const done = [
    ...(foldNorms ? [centreReads ? "norms folded and reads centred" : "norms folded"] : []),
    ...(centreWrites ? ["writes centred"] : []),
    ...(centreVocabulary ? ["unembedding centred over the vocabulary"] : []),
  ];
  return done.join(", ");
}
