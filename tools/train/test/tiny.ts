import type { Ids } from "@resolvent/tensor";
import { seededRandom } from "../src/random.ts";

/** config.json of a model that is trained in a moment. */
export const tinyConfig: Readonly<Record<string, unknown>> = {
  model_type: "gpt2",
  activation_function: "gelu_new",
  n_layer: 2,
  n_head: 2,
  n_embd: 8,
  n_positions: 6,
  vocab_size: 11,
  tie_word_embeddings: true,
};

/** The same of an attention-only model with TransformerLens names, without norms. */
export const tinyAttnOnly: Readonly<Record<string, unknown>> = {
  model_type: "transformer_lens",
  attn_only: true,
  normalization_type: "none",
  n_layers: 2,
  n_heads: 2,
  d_model: 8,
  d_head: 4,
  n_ctx: 6,
  d_vocab: 11,
};

/** Batches without end of rows in which each token is the one before plus 3, modulo 11. */
export function* countingBatches(seed: number): Generator<Ids> {
  const random = seededRandom(seed);
  for (;;) {
    const data = new Int32Array(8 * 6);
    for (let row = 0; row < 8; row++) {
      const start = random.below(11);
      for (let pos = 0; pos < 6; pos++) data[row * 6 + pos] = (start + 3 * pos) % 11;
    }
    yield { shape: { batch: 8, pos: 6 }, data };
  }
}
