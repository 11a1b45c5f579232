export { readCheckpoint, type TrainingCheckpoint, writeCheckpoint } from "./checkpoint.ts";
export { type Gradients, type LossReport, lossAndGradients } from "./gradients.ts";
export type { Auxiliary, Loss, Objective } from "./objective.ts";
export type { TrainingSettings } from "./settings.ts";
export type { BufferState } from "./shuffle-buffer.ts";
export { freshState, type StepOptions, type TrainingState, trainingStep } from "./step.ts";
export {
  type TrainDictionaryOptions,
  type TrainedDictionary,
  type TrainingProgress,
  trainDictionary,
} from "./train.ts";
export type { Factors } from "./trained-dictionary.ts";
export type { TrainedWeights, TrainingRows, WeightName } from "./weights.ts";
