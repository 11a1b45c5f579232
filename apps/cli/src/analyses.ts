import type { ListedAnalysis } from "@resolvent/analysis";
import { attentionAnalyses } from "@resolvent/attention/analyses";
import { dictionaryAnalyses } from "@resolvent/dictionary/analyses";
import { expansionAnalyses } from "@resolvent/expansion/analyses";
import { linearityAnalyses } from "@resolvent/linearity/analyses";
import { mergeAnalyses } from "@resolvent/merge/analyses";
import { patchingAnalyses } from "@resolvent/patching/analyses";
import { pathsAnalyses } from "@resolvent/paths/analyses";
import { reportAnalyses } from "@resolvent/report/analyses";
import { modelAnalyses } from "resolvent/analyses";

/** The analyses that are commands, in the order of the list of commands: the one place to add some. */
export const analyses: readonly ListedAnalysis[] = [
  ...reportAnalyses,
  ...expansionAnalyses,
  ...pathsAnalyses,
  ...patchingAnalyses,
  ...linearityAnalyses,
  ...attentionAnalyses,
  ...dictionaryAnalyses,
  ...mergeAnalyses,
  ...modelAnalyses,
];
