import { InternalError, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import { checkHead } from "./head-name.ts";
import type { Architecture, AttentionBlock, Model, Stages } from "./model.ts";

/** Where a block stands. */
export interface BlockPlace {
  /** `L0.attn`, `L0.mlp` */
  readonly name: string;
  readonly kind: "attn" | "mlp";
  readonly layer: number;
  readonly stage: number;
}

/** The blocks of a model by stage, from its architecture alone. */
export function blockPlaces({ layers, d_mlp, parallel }: Architecture): BlockPlace[][] {
  const kinds = d_mlp === 0 ? (["attn"] as const) : (["attn", "mlp"] as const);
  const perLayer = parallel ? 1 : kinds.length;
  return Array.from({ length: layers * perLayer }, (_, stage) => {
    const layer = Math.floor(stage / perLayer);
    const own = parallel ? kinds : kinds.slice(stage % perLayer, (stage % perLayer) + 1);
    return own.map((kind) => ({ name: `L${layer}.${kind}`, kind, layer, stage }));
  });
}

/** The names of a model's blocks in execution order: `L0.attn`, `L0.mlp`, … */
export function blockNames(architecture: Architecture): string[] {
  return blockPlaces(architecture)
    .flat()
    .map(({ name }) => name);
}

/** How many stages lie before the attention block of a layer. */
export function stageOfLayer({ d_mlp, parallel }: Architecture, layer: number): number {
  return d_mlp === 0 || parallel ? layer : 2 * layer;
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
