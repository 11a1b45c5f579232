export { reportAnalysis } from "./analyses/report.ts";
export type { ReportParameters } from "./analyses/report-parameters.ts";
export type {
  ComparedCard,
  ComparedDegree,
  NeededDegree,
  ReportComparison,
  ReportResult,
  ReportSection,
} from "./analyses/report-result.ts";
