import type { Loss } from "@resolvent/dictionary/train";

/** Sizes of a dictionary and of what it reads. */
export interface Sizes {
  readonly rows: number;
  readonly d: number;
  readonly features: number;
  /** Active features of a row. */
  readonly k: number;
}

/** What is measured: one kind of work on the numbers in a folder. */
export interface DictionaryTask extends Sizes {
  /** `encode`: indices and values of the k largest activations of each row. `train`: one step. */
  readonly kind: "encode" | "train";
  /** Holds `x`, `W_enc`, `b_enc`, `W_dec` and `b_dec`, each as its float32 numbers alone. */
  readonly folder: string;
  readonly threads: number;
  readonly loss?: Loss;
  /** So many features, evenly spread, count as dead. */
  readonly dead: number;
  readonly rate: number;
}
