import type { Warning } from "@resolvent/analysis";
import type { Sample } from "./corpus.ts";
import type { BlockLinearity, BlockMeasure, Split } from "./result.ts";

/** Fewer tokens than this for each dimension are too few: a map of `d_model` inputs has that much freedom. */
const TOKENS_PER_DIMENSION = 10;

/** Fewer sequences than this are too few to draw intervals from. */
const SEQUENCES = 20;

/** Measures that are quotients, of what a block itself may not do at all. */
const DIVIDED = [
  "withResidual",
  "withoutResidual",
  "superpositionDefect",
  "stepToMean",
  "stepToToken",
] as const satisfies readonly BlockMeasure[];

interface Counts {
  readonly sequences: number;
  readonly tokens: number;
}

/** What has to be said about a result wherever it is shown. */
export function warningsOf({
  split,
  d_model,
  fit,
  scored,
  sample,
  length,
  blocks,
}: {
  readonly split: Split;
  readonly d_model: number;
  readonly fit: Counts;
  readonly scored: Counts;
  readonly sample: Pick<Sample, "cut" | "short">;
  readonly length: number;
  readonly blocks: readonly Pick<BlockLinearity, "block" | BlockMeasure>[];
}): Warning[] {
  const least = TOKENS_PER_DIMENSION * d_model;
  const warnings: Warning[] = [];
  const warn = (code: string, message: string): void => void warnings.push({ code, message });
  if (split === "none") {
    warn(
      "same-tokens",
      "Scored on the tokens that the maps were fit on (split none): scores and replacement losses come out too good.",
    );
  }
  if (fit.tokens < least) {
    const what =
      split === "none"
        ? "scores on fitted tokens are flattered"
        : "the maps are loose, and held-out scores come out too low";
    warn(
      "too-few-tokens",
      `Too few tokens: ${fit.tokens} to fit, fewer than ${TOKENS_PER_DIMENSION} · d_model = ${least}; ${what}.`,
    );
  }
  if (split !== "none" && scored.tokens < d_model) {
    warn(
      "too-few-tokens",
      `Too few tokens: ${scored.tokens} to score on, fewer than d_model = ${d_model}; scores are noisy.`,
    );
  }
  if (scored.sequences < SEQUENCES) {
    warn(
      "too-few-sequences",
      `Too few sequences: intervals are drawn from ${scored.sequences}, fewer than ${SEQUENCES}; they come out too narrow.`,
    );
  }
  const still = blocks.filter((one) => DIVIDED.some((measure) => one[measure] === null));
  if (still.length > 0) {
    warn(
      "undefined-measures",
      `Some measures of ${still.map(({ block }) => block).join(", ")} are not given (–): what they divide by, the variance of what a block adds, or how far a step moves it, is next to nothing.`,
    );
  }
  if (sample.cut > 0) {
    warn("cut", `${counted(sample.cut, "sequence")} cut to the first ${length} tokens.`);
  }
  if (sample.short > 0) {
    warn("single-tokens", `${counted(sample.short, "sequence")} of a single token left out.`);
  }
  return warnings;
}

function counted(count: number, what: string): string {
  return count === 1 ? `1 ${what} was` : `${count} ${what}s were`;
}
