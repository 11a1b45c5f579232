import type { AnyAnalysis } from "@resolvent/analysis";
import { dictionaryAnalysis } from "./analyses/dictionary.ts";
import { featuresAnalysis } from "./analyses/features.ts";
import { graphAnalysis } from "./analyses/graph.ts";

/** The analyses of this package, in the order of a list of commands. */
export const dictionaryAnalyses: readonly AnyAnalysis[] = [
  dictionaryAnalysis,
  featuresAnalysis,
  graphAnalysis,
];
