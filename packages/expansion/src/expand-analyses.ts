import { type AnyAnalysis, overPrompts } from "@resolvent/analysis";
import { expand } from "./analyses/expand.ts";

/** The analysis `expand` alone, for whoever wants nothing of the others. */
export const expandAnalyses: readonly AnyAnalysis[] = [overPrompts(expand)];
