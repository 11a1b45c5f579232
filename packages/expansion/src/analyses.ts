import { type AnyAnalysis, overPrompts } from "@resolvent/analysis";
import { interactionAnalysis } from "./analyses/interactions.ts";
import { lens } from "./analyses/lens.ts";
import { qk } from "./analyses/qk.ts";
import { series } from "./analyses/series.ts";
import { expandAnalyses } from "./expand-analyses.ts";

export type { QkResult, ScorePair } from "./analyses/qk-result.ts";

/** The analyses of this package, in the order of a list of commands. */
export const expansionAnalyses: readonly AnyAnalysis[] = [
  ...expandAnalyses,
  overPrompts(qk),
  series,
  interactionAnalysis,
  lens,
];
