import type { ComputedResult, ModelIdentity } from "@resolvent/analysis";
import type { Barrier, LossGrid } from "../measure/index.ts";
import type { CorpusFacts } from "./measured-corpus.ts";

/** The ways between two models. */
export const PATH_METHODS = ["linear", "slerp", "nuslerp"] as const;
export type PathMethod = (typeof PATH_METHODS)[number];

/** The loss along a path between two models. */
export interface BarrierResult extends ComputedResult<"barrier">, Barrier {
  /** The second; the first is `model`. */
  readonly other: ModelIdentity;
  readonly method: PathMethod;
  /** What the losses are of. */
  readonly corpus: CorpusFacts;
  /** Losses at both ends, nats by predicted token. */
  readonly ends: { readonly first: number; readonly second: number };
  /** Where the loss is least, and how far below that of the better end. */
  readonly best: { readonly alpha: number; readonly loss: number; readonly belowBetterEnd: number };
  /** Over two task vectors, of the model that both were trained from; null where none was given. */
  readonly grid: (LossGrid & { readonly base: ModelIdentity }) | null;
}
