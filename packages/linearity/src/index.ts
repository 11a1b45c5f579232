export { linearityAnalyses } from "./analyses.ts";
export {
  type Sample,
  type SampleOptions,
  sampleSequences,
  textPieces,
  tokenLines,
} from "./corpus.ts";
export { linearityCost } from "./estimate.ts";
export { type LinearityOptions, measureLinearity } from "./measure.ts";
export { linearityPage } from "./page.ts";
export type { SitePair } from "./pairs.ts";
export { type AffineMap, effectiveRank, Regression } from "./regression.ts";
export type {
  BlockLinearity,
  BlockMeasure,
  DegreeLinearity,
  Interval,
  LayerLinearity,
  LinearityResult,
  ScorePair,
  SiteLinearity,
  Split,
} from "./result.ts";
