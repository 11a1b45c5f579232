export type { QkResult, ScorePair } from "./analyses/qk.ts";
export { expansionAnalyses } from "./analyses.ts";
export { type Anatomy, anatomyOf } from "./anatomy.ts";
export { balanceError } from "./balance.ts";
export {
  type DegreeExpansion,
  type DegreeTerm,
  type ExpandOptions,
  expandByDegree,
  expansionCost,
} from "./expand.ts";
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
  type DegreeMeasures,
  type MeasureOptions,
  type Measures,
  measureTerms,
} from "./measure.ts";
export { type Agreement, agreement } from "./patching/agreement.ts";
export { type Branch, branchTargets } from "./patching/branches.ts";
export {
  areaUnder,
  CIRCUIT_SIZES,
  type CircuitOptions,
  type CircuitResult,
  type CircuitSize,
  findCircuit,
  type ScoredEdge,
} from "./patching/circuit.ts";
export { type Circuit, circuitTargets } from "./patching/circuit-run.ts";
export {
  edgesOf,
  type PatchEdge,
  type PatchGraph,
  type PatchLevel,
  type PatchReceiver,
  type PatchSource,
  patchGraph,
} from "./patching/graph.ts";
export { PAIRS_LIMIT, type PairLine, type PromptPair, parsePairs } from "./patching/pairs.ts";
export {
  type EffectMatrix,
  type PatchedPair,
  type PatchOptions,
  type PatchResult,
  patchEffects,
} from "./patching/patch.ts";
export { patchCost } from "./patching/patch-cost.ts";
export {
  PATCH_METHODS,
  type PatchMethod,
  type PatchReference,
  type PatchSetting,
  patchSetting,
} from "./patching/setting.ts";
export { type DirectAttribution, directAttribution } from "./paths/attribution.ts";
export type { PathEffect } from "./paths/best.ts";
export { effects, type ReadoutEffects, type SourceEffect } from "./paths/effects.ts";
export {
  type ExpandPathsOptions,
  expandPaths,
  type PathExpansion,
  pathsError,
  type ShownPath,
} from "./paths/expand-paths.ts";
export { type Level, type PathNode, pathNodes } from "./paths/node.ts";
export { pathsCost } from "./paths/price.ts";
export { type Covectors, pullBack, spread } from "./paths/pull.ts";
export {
  directionReadout,
  type HeadSide,
  headReadout,
  logitReadout,
  type Readout,
} from "./paths/readout.ts";
export { type FrozenRun, frozenRun } from "./paths/run.ts";
export {
  allSources,
  liveSources,
  type SourceId,
  type SourceOptions,
  type Sources,
} from "./paths/source.ts";
export { pathText, sourceText } from "./paths/text.ts";
export { type DegreeSum, type TopPaths, type TopPathsOptions, topPaths } from "./paths/top.ts";
export { type Claim, type Verdict, verify } from "./paths/verify.ts";
export type { Prediction } from "./prediction.ts";
export { type AttentionEdge, chooseEdge } from "./qk/choice.ts";
export { scoreCost } from "./qk/cost.ts";
export { type EdgeDegrees, type EdgeDegreesOptions, qkDegrees } from "./qk/degrees.ts";
export {
  type ExpandScoreOptions,
  expandScore,
  type ScoreCertificate,
  type ScoreChoice,
  type ScoreExpansion,
  scoreBalance,
} from "./qk/expand-score.ts";
export {
  type ScoreTerms,
  type ScoreTermsOptions,
  type SplittingPair,
  scoreTerms,
} from "./qk/score-terms.ts";
export { SPLITTINGS, type Splitting } from "./qk/sources.ts";
export { type Reference, referenceWrites } from "./reference.ts";
export { type EpsilonOptions, type EpsilonTerms, epsilonTerms } from "./series/coefficients.ts";
export {
  type EpsilonSeries,
  type EpsilonSeriesOptions,
  epsilonSeries,
  epsilonSeriesCost,
} from "./series/epsilon-series.ts";
export { measureSeries, type SeriesCheck, type SeriesMeasures } from "./series/measure-series.ts";
export { type RadiusEstimate, type RadiusMethod, radiusEstimates } from "./series/radius.ts";
export { vectorEpsilon } from "./series/resum.ts";
export type { SeriesVerdict } from "./series/verdict.ts";
export { type Sweep, sweep } from "./sweep.ts";
export { type DegreeTerms, degreeTerms, type TermsOptions } from "./terms.ts";
export { truncatedTree } from "./tree.ts";
