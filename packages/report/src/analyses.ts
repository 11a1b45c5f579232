import type { AnyAnalysis } from "@resolvent/analysis";
import { reportAnalysis } from "./analyses/report.ts";

/** The analyses of this package. */
export const reportAnalyses: readonly AnyAnalysis[] = [reportAnalysis];
