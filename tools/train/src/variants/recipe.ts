import type { AdamWOptions } from "../adam-w.ts";
import { type Recipe, talesRecipe } from "../recipe.ts";
import type { SkillName } from "../skills/skill.ts";

/** A variant that goes on from `tales` with a skill; it is called by that. */
export interface FineTune {
  readonly name: SkillName;
  /** Of its texts. */
  readonly seed: number;
  readonly steps: number;
}

/** All that decides what variants of `tales` are learned: with it and the model's files, they are reproducible. */
export interface VariantsRecipe {
  readonly fineTunes: readonly FineTune[];
  /** What fine-tunes have in common. */
  readonly each: {
    readonly batch: number;
    readonly context: number;
    readonly rate: number;
    readonly warmup: number;
    /** The share of scenes that are of the skill; the others are those of all tales. */
    readonly share: number;
    readonly adam: AdamWOptions;
  };
  /** The model that begins from another start, where there is one. */
  readonly otherSeed?: Recipe;
  /** What all are measured on. */
  readonly measured: {
    readonly seed: number;
    /** Held-out texts of each kind, and tokens of each. */
    readonly rows: number;
    readonly length: number;
    /** The first of them, on which models are measured once more: what a test can do again. */
    readonly sampledRows: number;
    readonly questions: number;
  };
}

/**
 * The recipe of the variants of `tales`. Fine-tunes go far enough that half of what they have learned still does it, as
 * it has to in the mean of two models.
 */
export const talesVariantsRecipe: VariantsRecipe = {
  fineTunes: [
    { name: "colours", seed: 101, steps: 500 },
    { name: "recoloured", seed: 102, steps: 400 },
    { name: "rows", seed: 103, steps: 500 },
  ],
  each: {
    batch: 8,
    context: 63,
    rate: 5e-4,
    warmup: 20,
    share: 0.5,
    adam: { beta1: 0.9, beta2: 0.98, eps: 1e-8, decay: 0, clip: 1 },
  },
  otherSeed: {
    ...talesRecipe,
    seed: 3,
    tokenizer: { ...talesRecipe.tokenizer, seed: talesRecipe.seed },
    phases: [
      { steps: 600, batch: 8, context: 63, rolls: 0.5 },
      { steps: 120, batch: 8, context: 127, rolls: 0.15 },
    ],
    warmup: 50,
  },
  measured: { seed: 7, rows: 16, length: 128, sampledRows: 2, questions: 100 },
};
