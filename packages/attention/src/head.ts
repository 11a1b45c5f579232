import { InternalError, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import type { AttentionBlock, Model } from "@resolvent/transformer";
import {
  processBlock,
  throughHeadNorm,
  throughWriteNorm,
  type WeightProcessing,
} from "./processing.ts";

/**
 * The weights of one attention block, processed, and nothing else: what circuits of all heads are made of. Where
 * norms are folded, so are the scales of norms over queries and keys, and of norms of what a block writes.
 */
export interface AttentionFactors<T> {
  /** `d_model, kv_head, group, d_head`, in any memory order. */
  readonly W_Q: T;
  /** `d_model, kv_head, d_head` */
  readonly W_K: T;
  readonly W_V: T;
  /** `kv_head, group, d_head, d_model` */
  readonly W_O: T;
}

/**
 * The factors of the heads of all layers, in order. They are copies where processing changes nothing, so that they
 * can be freed, and so that a streamed model may pass by.
 */
export function attentionFactors<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  processing: WeightProcessing,
): AttentionFactors<T>[] {
  const factors: AttentionFactors<T>[] = [];
  for (const stage of model.stages) {
    for (const block of stage) {
      if (block.kind === "attn") factors.push(ops.scope(() => factorsOf(ops, block, processing)));
    }
  }
  return factors;
}

function factorsOf<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  processing: WeightProcessing,
): AttentionFactors<T> {
  const { W_Q, W_K, W_V, W_O } = processBlock(ops, block, processing);
  const own = (processed: T, stored: T): T =>
    processed === stored ? ops.scale(stored, 1) : processed;
  return {
    W_Q: own(throughHeadNorm(ops, W_Q, block.queryNorm, processing), block.W_Q),
    W_K: own(throughHeadNorm(ops, W_K, block.keyNorm, processing), block.W_K),
    W_V: own(W_V, block.W_V),
    W_O: own(throughWriteNorm(ops, W_O, block.writeNorm, processing), block.W_O),
  };
}

/** Does something with the processed attention block of one layer, while it is there. */
export function inAttention<T extends Shaped, R>(
  ops: Ops<T>,
  model: Model<T>,
  layer: number,
  processing: WeightProcessing,
  use: (block: AttentionBlock<T>) => R,
): R {
  for (const stage of model.stages) {
    for (const block of stage) {
      if (block.kind === "attn" && block.layer === layer) {
        return use(processBlock(ops, block, processing));
      }
    }
  }
  throw new InternalError({
    code: "attention/no-layer",
    message: `${model.name} has no attention in layer ${layer}, which should have been checked.`,
    details: { layer },
  });
}

/** The part of a weight that belongs to one head, without the axes that count heads. */
export function ofHead<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  weight: T,
  head: number,
): T {
  const groups = sizeAlong(block.W_Q.shape, "group", block.name);
  const at = (x: T, axis: string, i: number): T =>
    axis in x.shape ? ops.sum(ops.slice(x, axis, i, i + 1), [axis]) : x;
  return at(at(weight, "kv_head", Math.floor(head / groups)), "group", head % groups);
}
