export { type Gradients, type LossReport, lossAndGradients } from "./gradients.ts";
export type { Auxiliary, Loss, Objective } from "./objective.ts";
export { freshState, type StepOptions, type TrainingState, trainingStep } from "./step.ts";
export type { TrainedWeights, TrainingRows, WeightName } from "./weights.ts";
