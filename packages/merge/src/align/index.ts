export { bestAssignment } from "./assignment.ts";
export type { Group } from "./group.ts";
export {
  type ActivationMatching,
  type ActivationOptions,
  matchActivations,
} from "./match-activations.ts";
export {
  type MatchOptions,
  type MatchProgress,
  matchingCost,
  matchWeights,
  type WeightMatching,
} from "./match-weights.ts";
export { inverse, type Permutation } from "./permutation.ts";
export { permutedTensors } from "./permute.ts";
export { type PermutedFolderOptions, permutedFolder } from "./permuted-folder.ts";
