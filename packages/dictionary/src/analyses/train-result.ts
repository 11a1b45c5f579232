import type { ComputedResult } from "@resolvent/analysis";
import type { Evaluation } from "../evaluate.ts";
import type { TrainingSettings } from "../train/settings.ts";
import type { TrainingProgress } from "../train/train.ts";

/** How a dictionary was trained, and how well it stands for what it was trained on. */
export interface DictionaryTraining extends ComputedResult<"dictionary-training"> {
  readonly dictionary: {
    /** As SAELens calls it: `jumprelu`, `skip_transcoder`. */
    readonly architecture: string;
    readonly layout: "saelens";
    /** Where it reads and, of a transcoder, writes: `L1.mlp.normed → L1.mlp.write`. */
    readonly site: string;
    readonly features: number;
  };
  readonly input: {
    readonly corpus: string;
    /** Tokens of a text at most. */
    readonly length: number;
    readonly trained: TextCount;
    /** Kept for measuring; where there is one text alone, it is trained on as well. */
    readonly heldOut: TextCount;
  };
  readonly settings: TrainingSettings;
  /** What was told of the training, of the last step and of others evenly before it. */
  readonly steps: readonly TrainingProgress[];
  /** Of what is stored, on the texts that were kept; null where the training is not done. */
  readonly measured: Measured | null;
  /** What was written; null where the training is not done. */
  readonly saved: {
    readonly folder: string;
    readonly dtype: "F32" | "F16" | "BF16";
    readonly files: readonly SavedFile[];
  } | null;
}

export interface TextCount {
  readonly texts: number;
  readonly tokens: number;
}

export interface SavedFile {
  readonly name: string;
  readonly bytes: number;
}

/** What is measured of a dictionary, without what it has for each feature. */
export type Measured = Omit<Evaluation, "site" | "density" | "warnings">;
