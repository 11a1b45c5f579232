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

/** What the model itself says. */
export interface Truth<T> {
  /** `…, pos, vocab` */
  readonly logits: T;
  readonly logProbabilities: T;
  /** Mean next-token loss, a scalar; undefined for a single token. */
  readonly loss: T | undefined;
  /** The final norm's σ; undefined where there is no final norm. */
  readonly sigma: T | undefined;
}

export function truthOf<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  ids: Ids,
  residual: T,
): Truth<T> {
  const sigma = finalSigma(ops, model, residual);
  const logits = unembed(ops, model, residual, withFinalSigma(sigma));
  return {
    logits,
    logProbabilities: logProbabilities(ops, logits),
    loss: lossOf(ops, logits, ids),
    sigma,
  };
}

/** Predictions of several partial sums, compared with the truth. */
export interface Compared<T> {
  /** `degree, …, pos, vocab` */
  readonly logits: T;
  /** `degree` */
  readonly kl: T;
  /** `degree`; undefined for a single token. */
  readonly loss: T | undefined;
}

/**
 * @param partials `degree, …, pos, d_model`
 * @param sites of the final norm
 */
export function compare<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  partials: T,
  sites: Sites<T>,
  { ids, truth }: { readonly ids: Ids; readonly truth: Truth<T> },
): Compared<T> {
  const logits = unembed(ops, model, partials, sites);
  const q = logProbabilities(ops, logits);
  const sum = klDivergence(ops, truth.logProbabilities, q, axesOf(ids.shape));
  const kl = ops.scale(sum, 1 / sizeOf(ids.shape));
  return { logits, kl, loss: lossOf(ops, logits, ids) };
}

/** The numbers of a comparison, one prediction for each degree. */
export async function readPredictions<T extends Shaped>(
  engine: Engine<T>,
  { logits, kl, loss }: Compared<T>,
  ids: Ids,
  likeliest: Int32Array,
): Promise<Prediction[]> {
  const [[kls, losses], best] = await Promise.all([
    readTogether(engine, [kl, loss]),
    likeliestTokens(engine, logits, ["degree", ...axesOf(ids.shape)]),
  ]);
  const rows = likeliest.length;
  return kls.map((value, k) => {
    const same = likeliest.filter((id, row) => id === best[k * rows + row]).length;
    return { kl: value, top1: same / rows, loss: losses[k] ?? null };
  });
}

function lossOf<T extends Shaped>(ops: Ops<T>, logits: T, ids: Ids): T | undefined {
  return sizeAlong(ids.shape, "pos", "loss") < 2 ? undefined : nextTokenLoss(ops, logits, ids);
}
