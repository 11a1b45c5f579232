import type { FilesAnalysis } from "@resolvent/analysis";
import { mergeAnalysisBy, writeInto } from "./analyses/merge.ts";
import type { MergeParameters } from "./analyses/merge-parameters.ts";
import type { Merge, MergePlanned } from "./analyses/merge-result.ts";

/** `merge` for hosts that have no folders of a machine, as pages: into files that the host writes, on one thread. */
export const mergeAnalysis: FilesAnalysis<MergeParameters, Merge, MergePlanned> =
  mergeAnalysisBy(writeInto);

export type { Merge, MergeParameters, MergePlanned };
