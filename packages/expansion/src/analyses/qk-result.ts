import type { NotShown, TargetFacts } from "@resolvent/analysis";
import type { EdgeDegrees } from "../qk/edge-degrees.ts";
import type { ScoreExpansion } from "../qk/expand-score.ts";

/** What a pair of sources contributes to a score. */
export interface ScorePair {
  readonly querySource: string;
  readonly keySource: string;
  readonly effect: number;
  /** Of the sum of all pairs; single ones may be negative or above 1. Null where the sum is next to nothing. */
  readonly share: number | null;
}

/** A score by source pairs, with the degrees that the edge has: what the command `qk` gives. */
export interface QkResult extends ScoreExpansion {
  /** Whether `shown` are those of the centred score. */
  readonly centred: boolean;
  /** The pairs with the largest effects, in that order. */
  readonly shown: readonly ScorePair[];
  /** All other pairs. */
  readonly notShown: NotShown;
  /** What is read out at the query, whose V-degrees are told. */
  readonly target: TargetFacts;
  /** V-degree and QK-degree, each by itself. */
  readonly degrees: EdgeDegrees;
}
