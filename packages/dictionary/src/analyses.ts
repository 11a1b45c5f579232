import type { AnyAnalysis } from "@resolvent/analysis";
import { trainDictionaryAnalysis } from "./analyses/train-dictionary.ts";

/** The analyses of this package, in the order of a list of commands. */
export const dictionaryAnalyses: readonly AnyAnalysis[] = [trainDictionaryAnalysis];
