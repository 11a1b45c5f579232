import {
  axesOf,
  type Ids,
  InputError,
  type Ops,
  type Shaped,
  sizeAlong,
  sizeOf,
} from "@resolvent/tensor";
import { checkVocabulary } from "./embedding.ts";

/** `log softmax(logits)` over `vocab`: the shape of `logits`. */
export function logProbabilities<T extends Shaped>(ops: Ops<T>, logits: T): T {
  return ops.scope(() => ops.sub(logits, ops.logsumexp(logits, "vocab")));
}

/**
 * `KL(p ‖ q) = Σ p (log p − log q)` in nats, summed over `vocab` and further axes.
 *
 * @param p log-probabilities, likewise `q`
 * @param over axes that are summed over besides `vocab`
 */
export function klDivergence<T extends Shaped>(
  ops: Ops<T>,
  p: T,
  q: T,
  over: readonly string[] = [],
): T {
  return ops.scope(() => ops.sum(ops.mul(ops.exp(p), ops.sub(p, q)), [...over, "vocab"]));
}

/**
 * Cross-entropy `−log softmax(logits)[target]` at each position, in nats; the axes of `targets`.
 *
 * @param logits `…, pos, vocab`, with exactly the axes of `targets` before `vocab`
 * @param targets the token to predict at each position
 * @throws InputError `transformer/bad-token` where a target is no token of the vocabulary
 */
export function crossEntropy<T extends Shaped>(ops: Ops<T>, logits: T, targets: Ids): T {
  const vocab = sizeAlong(logits.shape, "vocab", "crossEntropy");
  const rows = axesOf(targets.shape);
  checkVocabulary("Targets", targets, vocab); // others would be looked up in another row
  const flat = ops.join(logits, [...rows, "vocab"], "entry");
  const picked = ops.take(flat, "entry", {
    shape: targets.shape,
    data: targets.data.map((id, row) => row * vocab + id),
  });
  return ops.sub(ops.logsumexp(logits, "vocab"), picked);
}

/**
 * Mean next-token loss in nats: each position predicts the token after it. A scalar.
 *
 * @param from position of the first of the logits. Those of some positions alone give their part of the mean, and the
 *   parts of all add up to it; default 0
 * @throws InputError `transformer/too-short` where none of the positions has a next token
 */
export function nextTokenLoss<T extends Shaped>(ops: Ops<T>, logits: T, ids: Ids, from = 0): T {
  const { count, after, all } = shifted(ids, from, sizeAlong(logits.shape, "pos", "nextTokenLoss"));
  const each = crossEntropy(ops, ops.slice(logits, "pos", 0, count), after);
  return ops.scale(ops.sum(each, axesOf(after.shape)), 1 / all);
}

/** The tokens after each of `most` positions, as far as there are any, how many positions that is, and targets in all. */
function shifted(
  ids: Ids,
  from: number,
  most: number,
): { readonly count: number; readonly after: Ids; readonly all: number } {
  const length = sizeAlong(ids.shape, "pos", "nextTokenLoss");
  const count = Math.min(most, length - 1 - from);
  if (count < 1) {
    throw new InputError({
      code: "transformer/too-short",
      message: `A next-token loss at position ${from} needs at least ${from + 2} tokens, got ${length}.`,
      details: { got: length, from },
    });
  }
  // pos is the last axis of token ids
  const data = ids.data.filter((_, i) => i % length > from && i % length <= from + count);
  const shape = { ...ids.shape, pos: count };
  return { count, after: { shape, data }, all: (sizeOf(ids.shape) / length) * (length - 1) };
}
