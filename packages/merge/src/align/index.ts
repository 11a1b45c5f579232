export {
  type AlignmentProgress,
  type AlignmentStage,
  type AlignOptions,
  alignModels,
  type ModelAlignment,
} from "./align-models.ts";
export { bestAssignment } from "./assignment.ts";
export type { BasisChange, LayerBases } from "./basis-change.ts";
export { type ChangeOptions, changeBasis } from "./change-basis.ts";
export type { Group } from "./group.ts";
export { type LogitDifference, type LogitOptions, logitDifference } from "./logit-difference.ts";
export {
  type ActivationMatching,
  type ActivationOptions,
  matchActivations,
} from "./match-activations.ts";
export {
  matchRotations,
  type RotationMatching,
  type RotationOptions,
  rotationCost,
} from "./match-rotations.ts";
export {
  type MatchOptions,
  type MatchProgress,
  matchingCost,
  matchWeights,
  type WeightMatching,
} from "./match-weights.ts";
export { memoryModel, type Rewritten } from "./memory-model.ts";
export { inverse, type Permutation } from "./permutation.ts";
export { permutedTensors } from "./permute.ts";
export { type PermutedFolderOptions, permutedFolder } from "./permuted-folder.ts";
export type { BasisGroup, TurningOptions } from "./turning.ts";
