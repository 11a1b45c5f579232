import type { AnyAnalysis } from "@resolvent/analysis";
import { alignAnalysis } from "./analyses/align.ts";
import { barrierAnalysis } from "./analyses/barrier.ts";
import { compareAnalysis } from "./analyses/compare.ts";

/** The analyses of this package, in the order of a list of commands. */
export const mergeAnalyses: readonly AnyAnalysis[] = [
  barrierAnalysis,
  compareAnalysis,
  alignAnalysis,
];
