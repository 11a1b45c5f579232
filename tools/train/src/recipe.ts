import type { Ids } from "@resolvent/tensor";
import type { AdamWOptions } from "./adam-w.ts";
import type { Encoder } from "./encoder.ts";
import { type DrawnTokens, repeatBatches } from "./repeats.ts";

/** A stretch of training on batches of one kind. */
interface Phase {
  readonly steps: number;
  readonly batch: number;
  readonly context: number;
  /** The share of tales that are rolls of names. */
  readonly rolls: number;
  /** Rows of a batch that are repeats of random tokens instead of tales; default none. */
  readonly repeats?: number;
}

/** All that decides what is learned: with it, the model is reproducible. */
export interface Recipe {
  readonly seed: number;
  /** Tales that the tokenizer is learned from, its size, and the seed of those tales; default that of the recipe. */
  readonly tokenizer: {
    readonly tales: number;
    readonly vocabSize: number;
    readonly seed?: number;
  };
  /** config.json but for the size of the vocabulary. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly phases: readonly Phase[];
  readonly rate: number;
  readonly warmup: number;
  readonly adam: AdamWOptions;
}

/**
 * The recipe of `tales`. It begins with short rows and many rolls of names, from which copying and induction are
 * learned soonest, and goes on with the tales as they are, over the whole context.
 */
export const talesRecipe: Recipe = {
  seed: 1,
  tokenizer: { tales: 6000, vocabSize: 1024 },
  config: {
    architectures: ["GPT2LMHeadModel"],
    model_type: "gpt2",
    activation_function: "gelu_new",
    layer_norm_epsilon: 1e-5,
    n_layer: 4,
    n_head: 4,
    n_embd: 128,
    n_positions: 128,
    tie_word_embeddings: true,
  },
  phases: [
    { steps: 2200, batch: 16, context: 63, rolls: 0.5 },
    { steps: 3000, batch: 16, context: 127, rolls: 0.15 },
  ],
  rate: 2e-3,
  warmup: 200,
  adam: { beta1: 0.9, beta2: 0.98, eps: 1e-8, decay: 0.1, clip: 1 },
};

/**
 * The recipe of `attn-only-2l`: two layers of attention and nothing else, as in Elhage et al. 2021, without norms and
 * biases, so that its scores and logits are exact sums over paths once patterns are given. It begins with short rows that mostly repeat
 * random tokens, from which previous-token and induction heads form within a thousand steps.
 */
export const attnOnlyRecipe: Recipe = {
  seed: 1,
  tokenizer: { tales: 6000, vocabSize: 1024 },
  config: {
    model_type: "transformer_lens",
    attn_only: true,
    normalization_type: "none",
    positional_embedding_type: "standard",
    n_layers: 2,
    d_model: 128,
    n_heads: 4,
    d_head: 32,
    n_ctx: 128,
  },
  phases: [
    { steps: 2000, batch: 16, context: 63, rolls: 0.1, repeats: 12 },
    { steps: 1500, batch: 8, context: 127, rolls: 0.1, repeats: 5 },
  ],
  rate: 4e-3,
  warmup: 100,
  adam: { beta1: 0.9, beta2: 0.98, eps: 1e-8, decay: 0.05, clip: 1 },
};

/** config.json of a recipe with the vocabulary of its tokenizer. */
export function configOf(
  { config }: Pick<Recipe, "config">,
  { vocabSize, endOfText }: DrawnTokens,
): Readonly<Record<string, unknown>> {
  if (config.model_type === "transformer_lens") return { ...config, d_vocab: vocabSize };
  return { ...config, vocab_size: vocabSize, bos_token_id: endOfText, eos_token_id: endOfText };
}

/** Steps of all phases. */
export function totalSteps({ phases }: Recipe): number {
  return phases.reduce((sum, { steps }) => sum + steps, 0);
}

/** Tokens that are predicted in all phases. */
export function totalTokens({ phases }: Recipe): number {
  return phases.reduce((sum, { steps, batch, context }) => sum + steps * batch * context, 0);
}

/** The batches of all phases, one after the other. */
export function* recipeBatches({ phases, seed }: Recipe, encoder: Encoder): Generator<Ids> {
  for (const [n, { steps, ...rows }] of phases.entries()) {
    const batches = repeatBatches({ encoder, seed: seed + n, repeats: 0, ...rows });
    for (let step = 0; step < steps; step++) yield batches.next().value;
  }
}
