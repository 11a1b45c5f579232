export {
  type AttributionOptions,
  attributionGraph,
  type ExplainedLogit,
  type PromptGraph,
} from "./attribution-graph.ts";
export { type EdgeDegrees, edgeDegrees, withDegrees } from "./edge-degrees.ts";
export { type EdgeHop, edgeHops } from "./edge-hops.ts";
export {
  type HopScore,
  type HopScoreOptions,
  hopScore,
  type ScorePair,
  type ScoreSide,
} from "./hop-score.ts";
export type { ChosenLogit, LogitOptions } from "./logits.ts";
export { type DegreeParts, type TargetDegrees, targetDegrees } from "./target-degrees.ts";
export { type EdgeVerdict, verifyEdge } from "./verify-edge.ts";
