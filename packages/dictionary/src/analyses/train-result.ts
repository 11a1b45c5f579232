import type { ComputedResult } from "@resolvent/analysis";
import type { Evaluation } from "../evaluate.ts";
import type { TrainingSettings } from "../train/settings.ts";
import type { TrainingProgress } from "../train/train.ts";
import type { DictionaryFacts } from "./dictionary-facts.ts";
import type { CorpusFacts } from "./texts.ts";

/** How a dictionary was trained, and how well it stands for what it was trained on. */
export interface DictionaryTraining extends ComputedResult<"dictionary-training"> {
  /** As it is stored; null where the training is not done. */
  readonly dictionary: DictionaryFacts | null;
  /** What was read. */
  readonly corpus: CorpusFacts;
  readonly trained: TextCount;
  /** Kept for measuring; where there is one text alone, it is trained on as well. */
  readonly heldOut: TextCount;
  readonly settings: SettingFacts;
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

/** How it was trained; what is not there has its default. */
interface SettingFacts extends Omit<TrainingSettings, "target"> {
  /** What it predicts: the site itself, or another one of a transcoder. */
  readonly output: string;
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
type Measured = Omit<Evaluation, "site" | "density" | "warnings">;
