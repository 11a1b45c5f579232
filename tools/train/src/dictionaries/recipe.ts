import type { TrainingSettings } from "@resolvent/dictionary/train";

/** One dictionary of a recipe: what it is called, and all that its training is told. */
export interface DictionaryRecipe {
  /** Its folder: `transcoder-0`. */
  readonly name: string;
  readonly settings: TrainingSettings;
}

/** All that decides which dictionaries are learned: with it and the model's files, they are reproducible. */
export interface DictionariesRecipe {
  /** Of the texts; each training has a seed of its own in its settings. */
  readonly seed: number;
  /** Texts that vectors are streamed from, and tokens of each. */
  readonly rows: number;
  readonly length: number;
  /** Held-out texts that the dictionaries are measured on. */
  readonly measuredRows: number;
  /** The first of them, on which they are measured once more: what a test can do again. */
  readonly sampledRows: number;
  readonly dictionaries: readonly DictionaryRecipe[];
}

/** What all trainings of `tales` have in common. */
const each = {
  features: 768,
  steps: 2000,
  batch: 256,
  rate: 3e-3,
  deadAfter: 40 * 256,
} as const;

const batchTopK = (k: number): TrainingSettings["loss"] => ({
  kind: "batchtopk",
  k,
  auxiliary: { weight: 1 / 32, k: 64 },
});

const transcoder = (
  layer: number,
  k: number,
  features: number = each.features,
): DictionaryRecipe => ({
  name: `transcoder-${layer}`,
  settings: {
    ...each,
    features,
    site: `L${layer}.mlp.normed`,
    target: `L${layer}.mlp.write`,
    loss: batchTopK(k),
    seed: layer,
  },
});

/**
 * The recipe of the dictionaries of `tales`: a transcoder for each MLP, from what it reads to what it writes, and an
 * autoencoder of the stream in its middle. BatchTopK sets the number of active features where λ of JumpReLU would have
 * to be searched for, and is stored as a JumpReLU with one threshold, whose gate is computed in live runs too.
 */
export const talesDictionariesRecipe: DictionariesRecipe = {
  seed: 5,
  rows: 4096,
  length: 128,
  measuredRows: 256,
  sampledRows: 2,
  dictionaries: [
    transcoder(0, 12),
    transcoder(1, 10),
    transcoder(2, 10),
    transcoder(3, 10, 512),
    {
      name: "sae-1",
      settings: { ...each, site: "L1.mlp.after", loss: batchTopK(12), seed: 4 },
    },
  ],
};
