export { type ReportParameters, reportAnalysis } from "./analyses/report.ts";
export type {
  ComparedCard,
  ComparedDegree,
  NeededDegree,
  ReportComparison,
  ReportResult,
  ReportSection,
} from "./analyses/report-result.ts";
