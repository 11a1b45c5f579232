import type { ListedAnalysis } from "@resolvent/analysis";
import { mergeAnalysis } from "./analyses/merge.ts";
import { mergeAnalyses as measures } from "./analyses.ts";

/** The analyses of this package, in the order of a list of commands; `merge` is for Node, which has folders. */
export const mergeAnalyses: readonly ListedAnalysis[] = [mergeAnalysis, ...measures];
