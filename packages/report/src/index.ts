export type { NextTokens } from "./analyses/next-tokens.ts";
export { reportAnalysis } from "./analyses/report.ts";
export type { ReportParameters } from "./analyses/report-parameters.ts";
export type {
  ComparedCard,
  ComparedDegree,
  ComparedStep,
  DegreeShares,
  NeededDegree,
  ReportComparison,
  ReportResult,
  ReportSection,
} from "./analyses/report-result.ts";
