import type { AnyAnalysis } from "@resolvent/analysis";
import { dictionaryAnalysis } from "./analyses/dictionary.ts";
import { featuresAnalysis } from "./analyses/features.ts";
import { trainDictionaryAnalysis } from "./analyses/train-dictionary.ts";

/** The analyses of this package, in the order of a list of commands. */
export const dictionaryAnalyses: readonly AnyAnalysis[] = [
  dictionaryAnalysis,
  featuresAnalysis,
  trainDictionaryAnalysis,
];
