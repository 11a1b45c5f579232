import {
  axesOf,
  type Engine,
  type Ids,
  type Ops,
  readTogether,
  type Shaped,
  sizeAlong,
  sizeOf,
} from "@resolvent/tensor";
import {
  finalSigma,
  klDivergence,
  likeliestTokens,
  logProbabilities,
  type Model,
  nextTokenLoss,
  type Sites,
  unembed,
  withFinalSigma,
} from "@resolvent/transformer";

/** How a partial sum's prediction compares with the model's. */
export interface Prediction {
  /** `KL(model ‖ partial sum)`, mean over positions, nats. */
  readonly kl: number;
  /** Share of positions with the same likeliest token. */
  readonly top1: number;
  /** Mean next-token loss of the partial sum, nats; null for a single token, which has no next. */
  readonly loss: number | null;
}

/** Positions of a text, the first of them `from`. */
export interface Place {
  /** All tokens of the text. */
  readonly ids: Ids;
  readonly from: number;
}

/** What the model itself says at some positions. */
export interface Truth<T> {
  /** `…, pos, vocab` */
  readonly logits: T;
  readonly logProbabilities: T;
  /** Their part of the mean next-token loss, a scalar; undefined where no token comes next. */
  readonly loss: T | undefined;
  /** The final norm's σ; undefined where there is no final norm. */
  readonly sigma: T | undefined;
}

/** @param residual of these positions: `…, pos, d_model` */
export function truthOf<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  place: Place,
  residual: T,
): Truth<T> {
  const sigma = finalSigma(ops, model, residual);
  const logits = unembed(ops, model, residual, withFinalSigma(sigma));
  return {
    logits,
    logProbabilities: logProbabilities(ops, logits),
    loss: lossOf(ops, logits, place),
    sigma,
  };
}

/** Predictions of several partial sums at some positions, compared with the truth there. */
export interface Compared<T> {
  /** `degree, …, pos, vocab` */
  readonly logits: T;
  /** Their part of the mean: `degree`. */
  readonly kl: T;
  /** Likewise; undefined where no token comes next. */
  readonly loss: T | undefined;
}

/**
 * @param partials of these positions: `degree, …, pos, d_model`
 * @param sites of the final norm
 */
export function compare<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  partials: T,
  sites: Sites<T>,
  { place, truth }: { readonly place: Place; readonly truth: Truth<T> },
): Compared<T> {
  const { shape } = place.ids;
  const logits = unembed(ops, model, partials, sites);
  const kl = ops.scope(() => {
    const q = logProbabilities(ops, logits);
    const sum = klDivergence(ops, truth.logProbabilities, q, axesOf(shape));
    return ops.scale(sum, 1 / sizeOf(shape));
  });
  return { logits, kl, loss: lossOf(ops, logits, place) };
}

/** What some positions add to a prediction. */
export interface PredictionPart {
  readonly kl: number;
  /** Positions with the same likeliest token. */
  readonly same: number;
  readonly loss: number;
}

/** The numbers of a comparison, one for each degree. */
export async function readPredictions<T extends Shaped>(
  engine: Engine<T>,
  { logits, kl, loss }: Compared<T>,
  ids: Ids,
  likeliest: Int32Array,
): Promise<PredictionPart[]> {
  const [[kls, losses], best] = await Promise.all([
    readTogether(engine, [kl, loss]),
    likeliestTokens(engine, logits, ["degree", ...axesOf(ids.shape)]),
  ]);
  const rows = likeliest.length;
  return kls.map((value, k) => {
    const same = likeliest.filter((id, row) => id === best[k * rows + row]).length;
    return { kl: value, same, loss: losses[k] ?? 0 };
  });
}

/** A prediction from its parts, which are those of all positions of a text. */
export function predictionOf(parts: readonly PredictionPart[], { shape }: Ids): Prediction {
  const sum = (of: (part: PredictionPart) => number): number =>
    parts.reduce((total, part) => total + of(part), 0);
  return {
    kl: sum(({ kl }) => kl),
    top1: sum(({ same }) => same) / sizeOf(shape),
    loss: hasNext(shape) ? sum(({ loss }) => loss) : null,
  };
}

/** Whether any position of a text has a next token. */
export function hasNext(shape: Ids["shape"]): boolean {
  return sizeAlong(shape, "pos", "loss") > 1;
}

function lossOf<T extends Shaped>(ops: Ops<T>, logits: T, { ids, from }: Place): T | undefined {
  const more = sizeAlong(ids.shape, "pos", "loss") - 1 - from;
  return more < 1 ? undefined : nextTokenLoss(ops, logits, ids, from);
}
