import type { Recipe } from "@resolvent/train";

/** What is measured: one kind of work on the model in a folder. */
export interface Task {
  /**
   * `forward`: logits. `trace`: logits, and every site kept but what single heads write. `sweep`: the path
   * expansion, all degrees. `tree`: the truncated tree up to `degree`, nothing frozen. `training`: `recipe.steps`
   * steps.
   */
  readonly kind: "forward" | "trace" | "sweep" | "tree" | "training";
  /** Holds `config.json` and `model.safetensors`. */
  readonly folder: string;
  readonly heads: number;
  readonly threads: number;
  /** One row, or the rows of a batch. */
  readonly ids: readonly number[] | readonly (readonly number[])[];
  readonly degree?: number;
  readonly recipe?: Pick<Recipe, "seed" | "rate" | "warmup" | "adam"> & { readonly steps: number };
}

/** What a contender says when it is ready. */
export interface Introduction {
  /** Its name and version. */
  readonly is: string;
  /** The processor that its BLAS has chosen kernels for; null where there is no BLAS. */
  readonly blas: string | null;
  readonly threads: number;
}

/** A line to a contender: write the result of the task to a file, say the peak of memory, or be timed. */
export type Request =
  | { readonly write: string }
  | { readonly peak: true }
  | { readonly time: true };
