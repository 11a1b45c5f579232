export { decode, decodeCrossLayer, type Reconstruction, reconstruct } from "./decode.ts";
export type {
  Activation,
  CrossLayer,
  CrossLayerTranscoder,
  Dictionary,
  Encoder,
  Layout,
  Normalization,
  PositionSlice,
  TrainedOn,
} from "./dictionary.ts";
export {
  activations,
  type Normalised,
  normalise,
  type PreActivations,
  preActivations,
} from "./encode.ts";
export {
  type EvaluateOptions,
  type Evaluation,
  evaluateDictionary,
  type SplicedLoss,
} from "./evaluate.ts";
export { evaluateTogether, type TogetherEvaluation } from "./evaluate-together.ts";
export { withCrossLayer } from "./expansion/cross-layer.ts";
export {
  type DictionaryRun,
  type DictionaryRunOptions,
  withDictionaries,
} from "./expansion/expansion.ts";
export {
  type Change,
  type FeaturePlace,
  type FeatureVerdict,
  featureReadout,
  verifyFeature,
} from "./expansion/feature-readout.ts";
export {
  type PromptModelOptions,
  type PromptRuns,
  withPromptModels,
} from "./expansion/prompt-models.ts";
export { type SourceStreams, scoreParts, sourceStreams } from "./expansion/source-streams.ts";
export {
  type VirtualWeightsOptions,
  virtualLogits,
  virtualWeights,
} from "./expansion/virtual-weights.ts";
export { type Dictionaries, loadDictionaries, loadDictionary } from "./load.ts";
export { FORMULAS, type ReconstructionMetrics } from "./metrics.ts";
export type { LoadDictionaryOptions } from "./options.ts";
export { outlineDictionaries } from "./outline.ts";
export { positionsFor } from "./place.ts";
export { type SaveDictionaryOptions, saveDictionary, type WriteFile } from "./save.ts";
export { type DictionarySite, parseSite, type SiteForm, siteOfHook, siteText } from "./site.ts";
export { type EncodeOptions, encode, type SparseActivations } from "./sparse.ts";
