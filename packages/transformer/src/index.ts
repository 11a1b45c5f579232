export { type AdamOptions, adamStep } from "./adam.ts";
export { affine } from "./affine.ts";
export { architectureOf } from "./architecture-of.ts";
export { type AssembleOptions, assembleModel } from "./assemble.ts";
export {
  attention,
  keysOf,
  queriesOf,
  rotateHeads,
  scoresOf,
  valuesOf,
} from "./attention.ts";
export {
  constantOf,
  everyPart,
  nodeWrite,
  ownWrites,
  type Parts,
  type PartWrites,
  partWrites,
  someParts,
} from "./block-parts.ts";
export { softCap } from "./cap.ts";
export { embed, tokenEmbedding, tokenIds, uncappedLogits, unembed } from "./embedding.ts";
export { readJson } from "./files.ts";
export { finalSigma, withFinalSigma } from "./final-norm.ts";
export { firstNotFiniteSite } from "./finite.ts";
export { type GenerateOptions, generate, type SamplingOptions } from "./generate.ts";
export { checkHead, type HeadPlace, headName, headNamed, parseHead } from "./head-name.ts";
export {
  type Ablation,
  type Intervention,
  replacements,
  type Steering,
} from "./intervention.ts";
export { siteNames } from "./known-sites.ts";
export { type Lanes, openLanes, toFirstLane } from "./lanes.ts";
export {
  type LoadOptions,
  loadModel,
  type ModelOutline,
  notFiniteWeights,
  outlineModel,
} from "./load.ts";
export { crossEntropy, klDivergence, logProbabilities, nextTokenLoss } from "./loss.ts";
export { meanOverPositions } from "./mean.ts";
export { mlp } from "./mlp.ts";
export {
  type Activation,
  type Architecture,
  type AttentionBlock,
  type Block,
  blocksOf,
  hasBiases,
  type MlpBlock,
  type Model,
  mapBlock,
  mapWeights,
  type NormWeights,
  type Stages,
  shapesOf,
  type UnitChoice,
  withoutBiases,
} from "./model.ts";
export {
  type Level,
  type LevelName,
  levelOf,
  type Node,
  nodesNamed,
  nodesOf,
  siteNode,
  streamNodes,
} from "./node.ts";
export { ablatedSites } from "./node-place.ts";
export { normalize, normedRead } from "./norm.ts";
export { meanValues, runValues } from "./reference-values.ts";
export { blockWrite, residualStream } from "./residual-stream.ts";
export { type RotarySpec, rotaryTable } from "./rotary.ts";
export { type Run, type RunOptions, run } from "./run.ts";
export { type Companion, runAlong } from "./run-along.ts";
export { type RunCostOptions, runCost } from "./run-cost.ts";
export {
  commonRuns,
  type KeptRuns,
  keptRuns,
  type NotedRun,
  type NotedRuns,
  notedRuns,
  recordedStream,
  sharedRuns,
  sharedSize,
} from "./shared-runs.ts";
export { type SiteAxes, type SiteName, type SitePattern, siteAxes } from "./site-names.ts";
export {
  chooses,
  frozenAt,
  heldAt,
  labelling,
  plainSites,
  type Replacements,
  recording,
  replacing,
  type Site,
  type SiteChoice,
  type Sites,
  within,
} from "./sites.ts";
export {
  type BlockPlace,
  blockNames,
  blockPlaces,
  groupOf,
  onlyHead,
  stageOfLayer,
  upToStage,
  withAttention,
} from "./structure.ts";
export {
  likeliestTarget,
  likeliestTokens,
  type Target,
  targetAt,
  targetReadout,
  targetValue,
} from "./target.ts";
export { type TensorLayout, type TensorPlace, tensorLayout } from "./tensor-layout.ts";
export { showBytes } from "./tokenizer/bytes.ts";
export { loadTokenizer } from "./tokenizer/load.ts";
export type { TextLosses, Tokenizer } from "./tokenizer/tokenizer.ts";
export { tokenizerOf } from "./tokenizer/tokenizer-of.ts";
export {
  type StoredRun,
  type StoredValue,
  storedRun,
  type TraceDtype,
  traceBytes,
} from "./trace.ts";
export { someNames, type Warning } from "./warning.ts";
export { parametersOf, type WeightPlan, type WeightSizes, weightPlans } from "./weight-plan.ts";
