import type { ComputedResult } from "@resolvent/analysis";
import type { Counts, Split } from "./corpus.ts";

/** From where to where 95 % of the bootstrap's values lie; null where there is nothing to draw from. */
export type Interval = readonly [low: number, high: number] | null;

/** A pair of linearity scores: never one without saying whether the residual stream is in it. */
export interface ScorePair {
  /**
   * Part of the variance of the stream behind that the best affine map of the stream before explains. The stream itself is
   * in both: near 1 for whatever writes little.
   */
  readonly withResidual: number | null;
  /** Part of the variance of what is added that the same map explains. */
  readonly withoutResidual: number | null;
  /** Singular values of the centred inputs above the cut-off. */
  readonly rank: number;
  /** `exp` of their entropy (Roy & Vetterli 2007). */
  readonly effectiveRank: number;
}

/** How linear a block is, each measure of all scored tokens together. */
export interface BlockLinearity extends ScorePair {
  readonly block: string;
  /** `‖f(a+b) − f(a) − f(b) + f(0)‖ / ‖f(a+b)‖`, `a = x0`, `a + b` what the block reads; of its write alone. */
  readonly superpositionDefect: number | null;
  /** `‖f(r+δ) − f(r) − Jδ‖ / ‖f(r+δ) − f(r)‖` for the step δ to the mean stream; of its write alone. */
  readonly stepToMean: number | null;
  /** The same for the step to the stream half a sequence further on. */
  readonly stepToToken: number | null;
  /** Mean next-token loss with the block replaced by its best affine map, less that of the model; nats. */
  readonly lossChange: number | null;
  /** KL divergence of those predictions from the model's; nats. */
  readonly replacedKl: number | null;
  /** Share of tokens for which those predictions have the model's likeliest token. */
  readonly replacedTop1: number | null;
  /** The same, where the KL divergence is below 0.1 nats too: for so many tokens the map suffices in the block's place. */
  readonly replacedSuffices: number | null;
  /** Predictions read from what the block reads: through the final norm and the unembedding as it is. */
  readonly logitLensKl: number | null;
  readonly logitLensTop1: number | null;
  /** The same through the affine map that is nearest to the final stream. */
  readonly affineLensKl: number | null;
  readonly affineLensTop1: number | null;
  /** The same through that map trained on to make the divergence small. */
  readonly tunedLensKl: number | null;
  readonly tunedLensTop1: number | null;
  readonly intervals: Readonly<Record<BlockMeasure, Interval>>;
}

/** The measures of a block that have an interval. */
export const BLOCK_MEASURES = [
  "withResidual",
  "withoutResidual",
  "superpositionDefect",
  "stepToMean",
  "stepToToken",
  "lossChange",
  "replacedKl",
  "replacedTop1",
  "replacedSuffices",
  "logitLensKl",
  "logitLensTop1",
  "affineLensKl",
  "affineLensTop1",
  "tunedLensKl",
  "tunedLensTop1",
] as const;
export type BlockMeasure = (typeof BLOCK_MEASURES)[number];

/** A pair of scores and their intervals. */
export interface ScoredPair extends ScorePair {
  readonly intervals: Readonly<Record<"withResidual" | "withoutResidual", Interval>>;
}

export interface LayerLinearity extends ScoredPair {
  readonly layer: number;
}

export interface SiteLinearity extends ScoredPair {
  readonly from: string;
  readonly to: string;
}

/** Truncated tree and path expansion at one degree, relative to `‖T‖`. */
export interface DegreeLinearity {
  readonly degree: number;
  /** `‖D_k‖` with nothing frozen. */
  readonly tree: number | null;
  /** `‖D_k‖` with all gates frozen. */
  readonly paths: number | null;
  /** `‖D_k(tree) − D_k(paths)‖` */
  readonly distance: number | null;
  /** `‖T^(k)(tree) − T^(k)(paths)‖` */
  readonly partialDistance: number | null;
  readonly intervals: Readonly<Record<"tree" | "paths" | "distance" | "partialDistance", Interval>>;
}

/** What the two scores mean, in words that stand beside them wherever they are shown. */
export const RESIDUAL_LABELS = {
  withResidual: "of the stream after, the residual included: high for any block that adds little",
  withoutResidual: "of what is added, without the residual",
} as const;

/** How far from linear a model is on a corpus. */
export interface LinearityResult extends ComputedResult<"linearity"> {
  /** Tokens that were scored. */
  readonly tokens: number;
  readonly labels: typeof RESIDUAL_LABELS;
  readonly input: {
    readonly corpus: string;
    /** Sequences in the corpus. */
    readonly found: number;
    readonly length: number;
    readonly maxTokens: number;
    /** Drawn sequences that were cut to `length`. */
    readonly cut: number;
    /** Sequences of one token, left out. */
    readonly short: number;
    readonly fit: Counts;
    readonly scored: Counts;
  };
  readonly settings: {
    /** Whether maps are scored on other sequences than those they were fit on. */
    readonly split: Split;
    readonly seed: number;
    /** Draws of the bootstrap, over sequences. */
    readonly draws: number;
    /** Singular values up to this part of the largest count as zero. */
    readonly cutoff: number;
    /** Passes over the fitted sequences that the tuned lens was trained for, and its rate at the start. */
    readonly lensPasses: number;
    readonly lensRate: number;
    readonly maxDegree: number;
  };
  /** Mean next-token loss of the model itself, nats. */
  readonly loss: number | null;
  readonly blocks: readonly BlockLinearity[];
  readonly layers: readonly LayerLinearity[];
  readonly between: readonly SiteLinearity[];
  readonly degrees: readonly DegreeLinearity[];
}
