export { type Anatomy, anatomyOf } from "./anatomy.ts";
export { balanceError } from "./balance.ts";
export { degreeWithin, NEAR_NATS } from "./degree-within.ts";
export {
  type DegreeExpansion,
  type DegreeTerm,
  type ExpandOptions,
  expandByDegree,
} from "./expand.ts";
export { expandCost } from "./expand-cost.ts";
export { checkGates, GATES, type Gate, gateAt } from "./gates.ts";
export {
  type InteractionOptions,
  type InteractionTerms,
  type InteractionWork,
  interactionTerms,
} from "./interactions/interaction-terms.ts";
export {
  type InteractingSet,
  type InteractionOrder,
  type Interactions,
  type InteractionsOptions,
  interactions,
  interactionsError,
} from "./interactions/interactions.ts";
export { interactionsCost } from "./interactions/interactions-cost.ts";
export { type Player, type PlayerChoice, playersOf } from "./interactions/players.ts";
export type { PlayerSet } from "./interactions/subsets.ts";
export {
  type FitJacobianOptions,
  fitJacobianLens,
  type JacobianSums,
  jacobianLensCost,
} from "./lens/fit-jacobian-lens.ts";
export {
  jacobianLensChunks,
  type LensDtype,
  readJacobianLens,
} from "./lens/jacobian-file.ts";
export {
  carried,
  type JacobianLens,
  type JacobianTensors,
  jacobianTensors,
  layerEnds,
  type NamedLens,
} from "./lens/jacobian-lens.ts";
export {
  type LensFacts,
  type LensPoint,
  type LogitLens,
  type LogitLensOptions,
  logitLens,
} from "./lens/logit-lens.ts";
export { type JacobianOptions, promptJacobians } from "./lens/prompt-jacobians.ts";
export {
  type DegreeMeasures,
  type MeasureOptions,
  type Measures,
  measureTerms,
} from "./measure.ts";
export type { Prediction } from "./prediction.ts";
export { type AttentionEdge, chooseEdge } from "./qk/choose-edge.ts";
export { type EdgeDegrees, type EdgeDegreesOptions, qkDegrees } from "./qk/edge-degrees.ts";
export {
  type ExpandScoreOptions,
  expandScore,
  type ScoreChoice,
  type ScoreExpansion,
  scoreBalance,
} from "./qk/expand-score.ts";
export { scoreCost } from "./qk/score-cost.ts";
export { SPLITTINGS, type Splitting, type StreamParts } from "./qk/score-sources.ts";
export {
  type ScoreTerms,
  type ScoreTermsOptions,
  type SplittingPair,
  scoreTerms,
} from "./qk/score-terms.ts";
export { type Reference, referenceWrites } from "./reference.ts";
export { type EpsilonOptions, type EpsilonTerms, epsilonTerms } from "./series/coefficients.ts";
export {
  type EpsilonSeries,
  type EpsilonSeriesOptions,
  epsilonSeries,
} from "./series/epsilon-series.ts";
export { measureSeries, type SeriesCheck, type SeriesMeasures } from "./series/measure-series.ts";
export { type RadiusEstimate, type RadiusMethod, radiusEstimates } from "./series/radius.ts";
export { vectorEpsilon } from "./series/resum.ts";
export { seriesCost } from "./series/series-cost.ts";
export type { SeriesVerdict } from "./series/verdict.ts";
export { type LogitShares, logitShares } from "./shares.ts";
export { type Sweep, sweep } from "./sweep.ts";
export type { TargetTerm, TargetTerms } from "./target-terms.ts";
export { type DegreeTerms, degreeTerms, type TermsOptions } from "./terms.ts";
export { truncatedTree } from "./tree.ts";
