export type {
  Filtered,
  Gradient,
  MergeConfig,
  ModelInput,
  ModelReference,
  Module,
  Parameters,
  Setting,
  Slice,
  SliceSource,
  TokenizerConfig,
  TokenSource,
} from "./config.ts";
export { type MergeIntoOptions, mergeInto } from "./merge-into.ts";
export { type MergedTensor, mergePlanned } from "./merge-planned.ts";
export {
  type MergeOptions,
  mergeTensor,
  type TensorInput,
  type TensorMerge,
} from "./merge-tensor.ts";
export type { WrittenFile, WrittenMerge } from "./merged-files.ts";
export {
  METHODS,
  type MethodName,
  type MethodSpec,
  type ParameterSpec,
} from "./method.ts";
export { type MergeModel, type OpenMergeModel, openMergeModel } from "./model.ts";
export { type MergeBytes, mergeBytes } from "./output.ts";
export { mergedBytes } from "./piecewise.ts";
export type {
  MergePlan,
  PlannedInput,
  PlannedParameters,
  PlannedTensor,
  PlannedToken,
  PlannedTokenizer,
  Trimming,
} from "./plan.ts";
export { type PlanOptions, planMerge } from "./plan-merge.ts";
export { modelsOf, readMergeConfig } from "./read-config.ts";
export type {
  Recipe,
  RecipeSlice,
  RecipeToken,
  RecipeTokenizer,
  Source,
  TokenRow,
} from "./recipe.ts";
export type { NamedModel } from "./reference.ts";
export type { Choice, Choices, Level } from "./setting.ts";
export type { HashProgress, MergeProgress } from "./shard-pieces.ts";
export type { Vocabulary } from "./vocabulary.ts";
