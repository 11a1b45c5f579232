import type { ComputedResult } from "@resolvent/analysis";
import type { FORMULAS } from "../metrics.ts";
import type { DictionaryFacts } from "./dictionary-facts.ts";
import type { CorpusFacts } from "./texts.ts";

/** The least, the mean and the largest of some numbers. */
export interface RangeFacts {
  readonly least: number;
  readonly mean: number;
  readonly most: number;
}

/** What its weights say of a dictionary, without data. */
export interface WeightFacts {
  /** `‖W_enc[:, f]‖` over features. */
  readonly encoderNorm: RangeFacts;
  /** `‖W_dec[f]‖` */
  readonly decoderNorm: RangeFacts;
  /** `b_enc`; null where it has none. */
  readonly encoderBias: RangeFacts | null;
  /** `‖b_dec‖` */
  readonly decoderBiasNorm: number;
  /** θ of JumpReLU; null for others. */
  readonly threshold: RangeFacts | null;
}

/** A dictionary as its files have it and, with a corpus, how well it stands for what it is of. Fields of the second are null without one. */
export interface DictionaryResult extends ComputedResult<"dictionary"> {
  readonly dictionary: DictionaryFacts;
  readonly weights: WeightFacts;
  /** What was read; null where no corpus was given. */
  readonly corpus: CorpusFacts | null;
  /** Positions that the dictionary is for, and was measured on. */
  readonly tokens: number | null;
  readonly l0: number | null;
  readonly l0WithoutFirst: number | null;
  readonly explainedVariance: number | null;
  readonly explainedVarianceCentred: number | null;
  readonly mse: number | null;
  readonly cosine: number | null;
  readonly l2Ratio: number | null;
  readonly relativeReconstructionBias: number | null;
  /** Mean next-token losses in nats; null also where no text has a next token. */
  readonly loss: {
    readonly model: number;
    readonly spliced: number;
    readonly zeroed: number;
    readonly mean: number;
  } | null;
  readonly recovered: number | null;
  readonly recoveredFromMean: number | null;
  readonly kl: number | null;
  readonly dead: number | null;
  /** By feature. */
  readonly density: readonly number[] | null;
  /** The definitions of the numbers above. */
  readonly formulas: Readonly<Record<keyof typeof FORMULAS, string>>;
}
