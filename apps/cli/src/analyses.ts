import type { AnyAnalysis, AnyOutlineAnalysis } from "@resolvent/analysis";
import { attentionAnalyses } from "@resolvent/attention";
import { expansionAnalyses } from "@resolvent/expansion";
import { linearityAnalyses } from "@resolvent/linearity";
import { inspect } from "./analyses/inspect.ts";
import { profile } from "./analyses/profile.ts";
import { run } from "./analyses/run.ts";

/** The analyses that are commands, in the order of the list of commands: the one place to add some. */
export const analyses: readonly (AnyAnalysis | AnyOutlineAnalysis)[] = [
  ...expansionAnalyses,
  ...linearityAnalyses,
  ...attentionAnalyses,
  profile,
  inspect,
  run,
];
