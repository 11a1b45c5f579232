import type { Certificate, ModelIdentity, PromptResult, TargetFacts } from "@resolvent/analysis";
import type {
  ActivationLinearity,
  BlockLinearity,
  ComparedHead,
  ComparedPath,
  MergedDegree,
  PathSums,
} from "../measure/index.ts";
import type { CorpusFacts } from "./measured-corpus.ts";

/** A tensor of two models. */
export interface ComparedTensor {
  /** As the first model's files have it. */
  readonly name: string;
  readonly entries: number;
  /** Of `tensorsOf`; null where one is zero. */
  readonly cosine: number | null;
  /** In radians; null likewise. */
  readonly angle: number | null;
  /** `‖first‖ / ‖second‖`; null where the second is zero. */
  readonly normRatio: number | null;
  readonly normFirst: number;
  readonly normSecond: number;
  /** Entries that are zero in neither. */
  readonly both: number;
  /** The share of them that have opposite signs; null where there are none. */
  readonly signConflict: number | null;
  /** The same share weighted by the smaller of both sizes. */
  readonly signConflictWeighted: number | null;
  /** Of the weights themselves: what slerp goes by. */
  readonly weights: {
    readonly cosine: number | null;
    readonly angle: number | null;
    readonly normRatio: number | null;
  };
  /** Whether slerp between the two is linear. */
  readonly slerpIsLinear: boolean;
}

/** A block of two models and their merge: the stream after it, and what it adds to the stream. */
interface ComparedBlock extends ActivationLinearity {
  readonly block: BlockLinearity["block"];
  readonly write: ActivationLinearity;
}

/** What two models are merged to. */
interface MergeFacts {
  /** Of the model that was given; null of the mean that was made for the comparison. */
  readonly name: string | null;
  readonly sha256: string | null;
  /** How much of the second is in it: it is compared with `(1−α)` first + `α` second. */
  readonly alpha: number;
}

/** Two models of one shape, and a merge of them, beside each other. */
export interface ComparisonResult extends PromptResult<"comparison"> {
  /** The second; the first is `model`. */
  readonly other: ModelIdentity;
  readonly base: ModelIdentity | null;
  readonly merge: MergeFacts;
  /** What the tensors are compared by: what training changed, `θ − base`, or, without a base, the weights. */
  readonly tensorsOf: "deltas" | "weights";
  readonly tensors: readonly ComparedTensor[];
  /** What blocks and heads were compared on; null where that was the prompt. */
  readonly corpus: CorpusFacts | null;
  readonly embed: ActivationLinearity;
  readonly blocks: readonly ComparedBlock[];
  readonly logits: ActivationLinearity;
  readonly heads: readonly ComparedHead[];
  /** The degree spectrum of the merge against the merge of the spectra: truncated tree and path expansion. */
  readonly degrees: {
    readonly tree: readonly MergedDegree[];
    readonly paths: readonly MergedDegree[];
    /** All above the highest degree told apart; null where nothing is. */
    readonly above: {
      readonly tree: Omit<MergedDegree, "degree">;
      readonly paths: Omit<MergedDegree, "degree">;
    } | null;
    /** All degrees together. */
    readonly total: Omit<MergedDegree, "degree">;
  };
  /** What paths lead to; its value is the first model's. */
  readonly target: TargetFacts;
  /** Steps of a path. */
  readonly level: "block" | "head";
  /** A path is there where |effect| is at least this share of the largest in that model. */
  readonly threshold: number;
  /** The largest of each model. */
  readonly paths: readonly ComparedPath[];
  /** All paths of each model. */
  readonly sums: {
    readonly first: PathSums;
    readonly second: PathSums;
    readonly merge: PathSums;
  };
  /** The worst of the expansions: of each model by tree and by paths, and of its paths to the target. */
  readonly certificate: Certificate;
}
