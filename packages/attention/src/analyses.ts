import type { AnyAnalysis } from "@resolvent/analysis";
import { headsAnalysis } from "./analyses/heads.ts";
import { ovAnalysis } from "./analyses/ov.ts";

export { type HeadsParameters, headsAnalysis } from "./analyses/heads.ts";
export type { HeadRow, HeadsResult, Partner } from "./analyses/heads-result.ts";
export { type OvParameters, ovAnalysis } from "./analyses/ov.ts";
export type { OvDirection, OvResult, ScoredEnds, ScoredToken } from "./analyses/ov-result.ts";

/** The analyses of this package, as commands and panels show them. */
export const attentionAnalyses: readonly AnyAnalysis[] = [headsAnalysis, ovAnalysis];
