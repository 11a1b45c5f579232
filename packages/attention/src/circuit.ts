import { InputError, type Ops, type Shaped } from "@resolvent/tensor";
import {
  type AttentionBlock,
  checkHead,
  type HeadPlace,
  type Model,
  rotaryTable,
} from "@resolvent/transformer";
import { inAttention, ofHead } from "./head.ts";
import {
  type ProcessingOptions,
  processingFor,
  throughHeadNorm,
  throughWriteNorm,
} from "./processing.ts";

/** A bilinear form or a linear map of the stream in two factors, `left · rightᵀ`, of rank `d_head` at most. */
export interface Circuit<T> {
  /** `d_model, d_head`, in any memory order. */
  readonly left: T;
  /** `d_model, d_head`, in any memory order. */
  readonly right: T;
}

export interface CircuitOptions {
  /** What is done to the weights; default all that keeps the logits: norms folded, writes centred. */
  readonly processing?: ProcessingOptions;
}

export interface QkOptions extends CircuitOptions {
  /**
   * How many positions the key lies before the query; default 0. Matters for rotary embeddings only: learned
   * positions are part of the stream.
   */
  readonly distance?: number;
}

/**
 * What a head moves: `W_OV = W_V W_O` as `left = W_V`, `right = W_Oᵀ`. A row `x` of the (normed) stream at an
 * attended position becomes `x · left · rightᵀ` at the attending one. Biases play no part, and of a norm of
 * what the block writes the scale, where norms are folded. With grouped queries, heads of a group share `left`.
 *
 * @throws InputError `transformer/no-head`
 */
export function ovCircuit<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  head: HeadPlace,
  options: CircuitOptions = {},
): Circuit<T> {
  checkHead(model.architecture, head);
  return ops.scope(() => {
    const processing = processingFor(model, options.processing);
    return inAttention(ops, model, head.layer, processing, (block) => ({
      left: ofHead(ops, block, block.W_V, head.head),
      right: ofHead(
        ops,
        block,
        throughWriteNorm(ops, block.W_O, block.writeNorm, processing),
        head.head,
      ),
    }));
  });
}

/**
 * Where a head looks: `W_QK = W_Q R_distance W_Kᵀ`, `R` the rotation of a rotary embedding, as `left = W_Q R`
 * and `right = W_K`. The pre-softmax score of a query and a key, biases and norm denominators apart, is
 * `x_query · left · rightᵀ · x_key` times the block's `scoreScale`.
 *
 * Of a norm over queries and keys (QK norm) the scale is folded like those of other norms, where norms are
 * folded; its denominators depend on the input, so they are left out like those of other norms, and its bias is.
 *
 * @throws InputError `transformer/no-head`, `attention/bad-distance`
 */
export function qkCircuit<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  head: HeadPlace,
  options: QkOptions = {},
): Circuit<T> {
  checkHead(model.architecture, head);
  const { distance = 0 } = options;
  if (!Number.isInteger(distance) || distance < 0) {
    throw new InputError({
      code: "attention/bad-distance",
      message: `The distance from query to key should be a whole number from 0, got ${distance}.`,
      remedy: "A query sees keys at its own position (0) and before.",
      details: { got: distance },
    });
  }
  const processing = processingFor(model, options.processing);
  const circuit = (block: AttentionBlock<T>): Circuit<T> => {
    const { rotary } = block;
    const turned = (W: T, by: number): T => {
      if (rotary === undefined) return W;
      const table = rotaryTable(rotary, distance + 1);
      const at = ops.broadcast(W, { pos: 1 });
      return ops.sum(ops.rotary(at, "d_head", "pos", table, { start: by }), ["pos"]);
    };
    const query = ofHead(
      ops,
      block,
      throughHeadNorm(ops, block.W_Q, block.queryNorm, processing),
      head.head,
    );
    const key = ofHead(
      ops,
      block,
      throughHeadNorm(ops, block.W_K, block.keyNorm, processing),
      head.head,
    );
    // A key is turned by no angle, but by the amplitude that some tables have.
    return { left: turned(query, distance), right: turned(key, 0) };
  };
  return ops.scope(() => inAttention(ops, model, head.layer, processing, circuit));
}
