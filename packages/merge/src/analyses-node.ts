import type { ListedAnalysis } from "@resolvent/analysis";
import { mergeAnalysisBy, writeInto } from "./analyses/merge.ts";
import { mergeAnalyses as measures } from "./analyses.ts";
import { writeMerge } from "./node/write-merge.ts";

/** The analyses of this package, in the order of a list of commands; `merge` writes to this machine's folders. */
export const mergeAnalyses: readonly ListedAnalysis[] = [
  mergeAnalysisBy(async (plan, models, out, options) => {
    if (out.path === undefined) return await writeInto(plan, models, out, options);
    const written = await writeMerge(plan, models, out.path, options);
    return { ...written, verified: options.verify !== undefined };
  }),
  ...measures,
];
