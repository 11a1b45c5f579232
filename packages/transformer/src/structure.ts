import { InternalError, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import { checkHead } from "./head-name.ts";
import type { AttentionBlock, Model, Stages } from "./model.ts";

/** How many stages lie before the attention block of a layer. */
export function stageOfLayer<T extends Shaped>(model: Model<T>, layer: number): number {
  return (model.stages.length / model.architecture.layers) * layer;
}

/** The model with its first stages only. */
export function upToStage<T extends Shaped>(model: Model<T>, stages: number): Model<T> {
  return { ...model, stages: firstStages(model.stages, stages) };
}

function firstStages<T>(all: Stages<T>, length: number): Stages<T> {
  return {
    length,
    *[Symbol.iterator]() {
      let left = length;
      if (left === 0) return;
      for (const stage of all) {
        yield stage;
        if (--left === 0) return; // before a model that streams reads the next
      }
    },
  };
}

/** Does something with the attention block of a layer, while its weights are there. */
export function withAttention<T extends Shaped, R>(
  model: Model<T>,
  layer: number,
  use: (block: AttentionBlock<T>) => R,
): R {
  for (const stage of model.stages) {
    for (const block of stage)
      if (block.kind === "attn" && block.layer === layer) return use(block);
  }
  checkHead(model.architecture, { layer });
  throw new InternalError({
    code: "transformer/no-attention",
    message: `Layer ${layer} has no attention block.`,
  });
}

/** An attention block with one of its heads alone. */
export function onlyHead<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  head: number,
): AttentionBlock<T> {
  const { kv_head, group } = groupOf(block, head);
  const ofKey = (W: T): T => ops.slice(W, "kv_head", kv_head, kv_head + 1);
  const ofQuery = (W: T): T => ops.slice(ofKey(W), "group", group, group + 1);
  const { b_Q, b_K, b_V } = block;
  return {
    ...block,
    W_Q: ofQuery(block.W_Q),
    W_K: ofKey(block.W_K),
    W_V: ofKey(block.W_V),
    W_O: ofQuery(block.W_O),
    ...(b_Q && { b_Q: ofQuery(b_Q) }),
    ...(b_K && { b_K: ofKey(b_K) }),
    ...(b_V && { b_V: ofKey(b_V) }),
  };
}

/** Which keys and values a head uses, and which of their queries it is. */
export function groupOf<T extends Shaped>(
  block: AttentionBlock<T>,
  head: number,
): { readonly kv_head: number; readonly group: number } {
  const groups = sizeAlong(block.W_Q.shape, "group", block.name);
  return { kv_head: Math.floor(head / groups), group: head % groups };
}
