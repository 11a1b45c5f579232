import type { Certificate, ComputedResult, ModelIdentity } from "@resolvent/analysis";
import type { AlignmentStage } from "../align/index.ts";
import type { BarrierPoint } from "../measure/index.ts";
import type { CorpusFacts } from "./measured-corpus.ts";

/** What stands in another order: the residual basis, or a layer's heads or neurons. */
export interface MovedGroup {
  /** `residual`, `L0.attn` (its heads), `L0.mlp` (its neurons). */
  readonly group: string;
  readonly size: number;
  /** How many stand at another place, and how many have another sign. */
  readonly moved: number;
  readonly turned: number;
}

/** Losses between two models. */
export interface LossPath {
  readonly points: readonly BarrierPoint[];
  readonly barrier: number;
  /** The α of the largest excess. */
  readonly at: number;
}

/** One model brought near another without changing what it computes. */
export interface AlignmentResult extends ComputedResult<"alignment"> {
  /** The model that was put in order; it was brought near `model`. */
  readonly other: ModelIdentity;
  readonly by: "weights" | "activations";
  /** One after the other, each with what it gained; objectives may fall where activations are matched. */
  readonly stages: readonly AlignmentStage[];
  readonly groups: readonly MovedGroup[];
  /** What it computes before and after: `max |Δlogit| / max |logit|` is what its certificate is of. */
  readonly exactness: {
    readonly texts: number;
    readonly tokens: number;
    /** Whether the texts were drawn at random, for want of a corpus. */
    readonly drawn: boolean;
    readonly largest: number;
    readonly scale: number;
    readonly certificate: Certificate;
  };
  /** What losses and activations are of; null where no corpus was given. */
  readonly corpus: CorpusFacts | null;
  /** The loss on the straight path between the two, with the second as it was and in order; null likewise. */
  readonly barrier: { readonly unaligned: LossPath; readonly aligned: LossPath } | null;
  /** What was written; null where nothing was. */
  readonly written: {
    readonly folder: string;
    readonly files: readonly string[];
    readonly bytes: number;
    /** What its tensors are stored in: what rotations changed was rounded to it, after the logits were compared. */
    readonly dtypes: readonly string[];
  } | null;
}
