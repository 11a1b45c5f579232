import type { Warning } from "@resolvent/analysis";
import type { Counts, Sample, Split } from "./corpus.ts";
import type { BlockLinearity, BlockMeasure } from "./result.ts";

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
  warnings.push(...fewSequences(scored));
  const still = blocks.filter((one) => DIVIDED.some((measure) => one[measure] === null));
  if (still.length > 0) {
    warn(
      "undefined-measures",
      `Some measures of ${still.map(({ block }) => block).join(", ")} are not given (–): what they divide by, the variance of what a block adds, or how far a step moves it, is next to nothing.`,
    );
  }
  warnings.push(...cutSequences(sample, length));
  return warnings;
}

/** That intervals have too little to be drawn from. */
export function fewSequences({ sequences }: Counts): Warning[] {
  if (sequences >= SEQUENCES) return [];
  return [
    {
      code: "too-few-sequences",
      message: `Too few sequences: intervals are drawn from ${sequences}, fewer than ${SEQUENCES}; they come out too narrow.`,
    },
  ];
}

/** What of a corpus was not taken as it is. */
export function cutSequences(
  { cut, short }: Pick<Sample, "cut" | "short">,
  length: number,
): Warning[] {
  const warnings: Warning[] = [];
  if (cut > 0) {
    const message = `${counted(cut, "sequence")} cut to the first ${length} tokens.`;
    warnings.push({ code: "cut", message });
  }
  if (short > 0) {
    const message = `${counted(short, "sequence")} of a single token left out.`;
    warnings.push({ code: "single-tokens", message });
  }
  return warnings;
}

export function counted(count: number, what: string): string {
  return count === 1 ? `1 ${what} was` : `${count} ${what}s were`;
}
