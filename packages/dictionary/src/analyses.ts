import type { AnyAnalysis } from "@resolvent/analysis";

/** The analyses of this package, in the order of a list of commands. */
export const dictionaryAnalyses: readonly AnyAnalysis[] = [];
