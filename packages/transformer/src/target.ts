import {
  type AffineReadout,
  type Axis,
  affineReadout,
  type Engine,
  type Ops,
  placesIn,
  type Shaped,
  sizeAlong,
  using,
} from "@resolvent/tensor";
import { uncappedLogits } from "./embedding.ts";
import { finalSigma, withFinalSigma } from "./final-norm.ts";
import { type Model, mapWeights } from "./model.ts";
import { plainSites } from "./sites.ts";

/**
 * What is asked of a run: at the last position, `logit(a) − logit(b)`, or `logit(a)` where `b` is null; of a model that
 * caps its logits, those before the cap.
 */
export interface Target {
  readonly a: number;
  readonly b: number | null;
}

/**
 * The two likeliest tokens at the last position; of a vocabulary of one, that one alone.
 *
 * @param logits `pos, vocab`, in any memory order
 */
export async function likeliestTarget<T extends Shaped>(
  engine: Engine<T>,
  logits: T,
): Promise<Target> {
  const pos = sizeAlong(logits.shape, "pos", "likeliestTarget");
  const vocab = sizeAlong(logits.shape, "vocab", "likeliestTarget");
  return using(
    engine,
    () => engine.slice(logits, "pos", pos - 1, pos),
    async (last) => {
      const { indices } = await engine.top(last, "vocab", Math.min(2, vocab));
      const [a = 0, b = null] = indices.data;
      return { a, b };
    },
  );
}

/**
 * The likeliest token of each row, the first where several are equal: rows in the order of the named axes, which are
 * all but `vocab`.
 */
export async function likeliestTokens<T extends Shaped>(
  engine: Engine<T>,
  logits: T,
  rows: readonly Axis[],
): Promise<Int32Array> {
  const { shape, data } = (await engine.top(logits, "vocab", 1)).indices;
  const order = Object.fromEntries(
    [...rows, "vocab"].map((axis) => [axis, sizeAlong(shape, axis, "likeliestTokens")]),
  );
  return Int32Array.from(placesIn(shape, order), (place) => data[place] as number); // within the indices
}

/** What the logits, uncapped, say of a target: the axes of `logits` but `pos` and `vocab`. */
export function targetValue<T extends Shaped>(ops: Ops<T>, logits: T, target: Target): T {
  return ops.scope(() => {
    const pos = sizeAlong(logits.shape, "pos", "targetValue");
    const last = ops.sum(ops.slice(logits, "pos", pos - 1, pos), ["pos"]);
    return difference(ops, last, target);
  });
}

/**
 * A target as a linear function of the last position's stream, the final norm's σ held: with `P` centring for
 * LayerNorm, `P(γ_f (W_U[:,a] − W_U[:,b])) / σ_f[last]`, and `β_f · (W_U[:,a] − W_U[:,b]) + b_U[a] − b_U[b]`.
 *
 * @param residual `T` of the run, before the final norm: `pos, d_model`
 * @returns a covector `d_model`
 */
export function targetReadout<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  residual: T,
  { a, b }: Target,
): AffineReadout<T> {
  return ops.scope(() => {
    const final = endFor(ops, model, { a, b });
    const pos = sizeAlong(residual.shape, "pos", "targetReadout");
    const last = ops.sum(ops.slice(residual, "pos", pos - 1, pos), ["pos"]);
    const sigma = finalSigma(ops, model, last);
    const direction = signs(ops, { a, b }, "vocab");
    return affineReadout(ops, last.shape, direction, (on, fixed, x) => {
      const end = mapWeights({ ...model, stages: [], final }, fixed);
      return uncappedLogits(on, end, x, withFinalSigma(sigma && fixed(sigma)));
    });
  });
}

/**
 * What a final residual stream says of a target, the final norm recomputed: the axes of `stream` but `pos` and `d_model`.
 * Logits are computed for the target's tokens at the last position only.
 */
export function targetAt<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  stream: T,
  target: Target,
): T {
  return ops.scope(() => {
    const pos = sizeAlong(stream.shape, "pos", "targetAt");
    const last = pos === 1 ? stream : ops.slice(stream, "pos", pos - 1, pos);
    const end = { ...model, final: endFor(ops, model, target) };
    const logits = uncappedLogits(ops, end, last, plainSites());
    return targetValue(ops, logits, { a: 0, b: target.b === null ? null : 1 });
  });
}

/** The end of a model for the tokens of a target alone. */
function endFor<T extends Shaped>(
  ops: Ops<T>,
  { final }: Model<T>,
  { a, b }: Target,
): Model<T>["final"] {
  const ids = b === null ? [a] : [a, b];
  const tokens = { shape: { vocab: ids.length }, data: Int32Array.from(ids) };
  const ofTokens = (x: T): T => ops.take(x, "vocab", tokens);
  const { W_U, b_U } = final;
  return { ...final, W_U: ofTokens(W_U), ...(b_U && { b_U: ofTokens(b_U) }) };
}

/** What the logits of a target's tokens count. */
function signs<T extends Shaped>(ops: Ops<T>, { b }: Target, axis: string): T {
  return b === null ? ops.constant({ [axis]: 1 }, [1]) : ops.constant({ [axis]: 2 }, [1, -1]);
}

/** Entry `a` less entry `b` along `vocab`, which is dropped. */
function difference<T extends Shaped>(ops: Ops<T>, x: T, { a, b }: Target): T {
  const ids = b === null ? [a] : [a, b];
  const shape = { token: ids.length };
  const rows = ops.take(x, "vocab", { shape, data: Int32Array.from(ids) });
  return ops.matmul(rows, signs(ops, { a, b }, "token"), ["token"]);
}
