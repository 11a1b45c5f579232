export { type Answering, answerRequests, type Workplace } from "./remote/answer-requests.ts";
export { type Asking, type AskOptions, askOver } from "./remote/ask.ts";
export { describeAnalysis } from "./remote/describe.ts";
export { errorOf, failureOf } from "./remote/failure.ts";
export { findingsOf } from "./remote/findings.ts";
export {
  type AnalysisDescription,
  type AnalysisSummary,
  type Answer,
  type Description,
  type DictionarySummary,
  type EngineFacts,
  type EngineList,
  type Estimate,
  type Failure,
  type Figure,
  type Findings,
  type ModelDescription,
  type ModelSummary,
  PROTOCOL,
  type Question,
  type Reply,
  type Request,
  type Work,
  type WorkText,
} from "./remote/protocol.ts";
export { readFindings, readReply } from "./remote/read-reply.ts";
