import type { AdamWOptions } from "./adam-w.ts";
import type { DrawnTokens } from "./repeats.ts";

/** All that decides what is learned of repeats of random tokens: with it, the model is reproducible. */
export interface CopyingRecipe {
  readonly seed: number;
  /** config.json but for the size of the vocabulary. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The last of the vocabulary is the mark. */
  readonly vocabSize: number;
  readonly steps: number;
  readonly batch: number;
  readonly context: number;
  readonly rate: number;
  readonly warmup: number;
  readonly adam: AdamWOptions;
}

/**
 * The recipe of a model that learns to copy: three layers of attention and nothing else, so that there are paths of
 * degree 3, on rows `B B B …` of random tokens. Only what came before tells what comes: a head that looks at the token
 * before and one that looks for its own token there, in any two of the three layers, are enough.
 */
export const copyingRecipe: CopyingRecipe = {
  seed: 1,
  config: {
    model_type: "transformer_lens",
    attn_only: true,
    normalization_type: "none",
    positional_embedding_type: "standard",
    n_layers: 3,
    d_model: 64,
    n_heads: 4,
    d_head: 16,
    n_ctx: 48,
  },
  vocabSize: 65,
  steps: 2048,
  batch: 16,
  context: 47,
  rate: 4e-3,
  warmup: 100,
  adam: { beta1: 0.9, beta2: 0.98, eps: 1e-8, decay: 0.05, clip: 1 },
};

/** What the rows of a recipe are drawn from. */
export function tokensToCopy({ vocabSize }: Pick<CopyingRecipe, "vocabSize">): DrawnTokens {
  return { vocabSize, endOfText: vocabSize - 1 };
}
