export { textPieces, tokenLines } from "@resolvent/analysis";
export {
  type Counts,
  type Sample,
  type SampleOptions,
  type Split,
  sampleSequences,
} from "./corpus.ts";
export { degreeSquares } from "./degrees.ts";
export {
  type JacobianScoreOptions,
  type LayerLenses,
  scoreJacobianLens,
} from "./jacobian/score-jacobian-lens.ts";
export { type Lens, startLens, trainLens } from "./lens.ts";
export { linearityCost } from "./linearity-cost.ts";
export { type LinearityScore, linearityScore, type Vectors } from "./linearity-score.ts";
export { curvature, type LocalSquares, STEPS, superposition } from "./local.ts";
export { type LinearityOptions, measureLinearity } from "./measure.ts";
export type { SitePair } from "./pairs.ts";
export { type AffineMap, effectiveRank, Regression } from "./regression.ts";
export { replacedRuns } from "./replacement.ts";
export type {
  BlockLinearity,
  BlockMeasure,
  DegreeLinearity,
  Interval,
  LayerLinearity,
  LinearityResult,
  ScoredPair,
  ScorePair,
  SiteLinearity,
} from "./result.ts";
export { applied, type MapTensors, mapTensors } from "./score.ts";
