export type { ActivationLinearity } from "./alignment.ts";
export {
  type Barrier,
  type BarrierOptions,
  type BarrierPoint,
  type LossGrid,
  linearPath,
  lossBarrier,
  lossGrid,
  type MeasureOptions,
  type ModelPath,
  meanLoss,
} from "./barrier.ts";
export { combineModels, type ModelPart } from "./combine-models.ts";
export { type ComparedHead, compareHeads } from "./compare-heads.ts";
export {
  type ComparedPath,
  type ComparePathsOptions,
  comparePaths,
  type PathChange,
  type PathComparison,
  type PathSums,
} from "./compare-paths.ts";
export {
  compareTensor,
  compareTensors,
  type DeltaComparison,
  type NamedTensorComparison,
  type TensorComparison,
} from "./compare-tensors.ts";
export { type BlockLinearity, type CrossTaskLinearity, crossTaskLinearity } from "./cross-task.ts";
export { type DegreeLinearity, degreeLinearity, type MergedDegree } from "./degree-linearity.ts";
export type { Merged } from "./merged.ts";
export { checkSameShape } from "./same-shape.ts";
export { readWeights, type StoredWeights, storedPath } from "./stored-weights.ts";
