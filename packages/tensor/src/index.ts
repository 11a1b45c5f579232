export { type AdjointOps, adjoint, type Recorded } from "./adjoint.ts";
export { type AffineMap, type AffineReadout, affineReadout } from "./affine.ts";
export { inChunks, STACK_MEMORY } from "./chunks.ts";
export type { Series } from "./coefficients.ts";
export { type Cost, type CostOps, cost, type Priced, priced, reachable } from "./cost.ts";
export { type EngineAccuracy, engineAccuracy } from "./engine-accuracy.ts";
export {
  type ErrorInfo,
  InputError,
  InternalError,
  isInputError,
  isInternalError,
} from "./errors.ts";
export { foldOver } from "./fold.ts";
export { finishedProduct, pairDots, pairSums } from "./fused.ts";
export type {
  AdamFactors,
  AdamMoments,
  AdamMove,
  FactorBy,
  Finish,
  Fusions,
  NormBy,
  Normed,
  PairSide,
  Pairs,
} from "./fusions.ts";
export type {} from "./globals.ts";
export { type Half, widenHalf } from "./half.ts";
export type {
  Eigenvalues,
  LinearAlgebra,
  Svd,
  SymmetricEigen,
} from "./linear-algebra.ts";
export { onceMade } from "./once-made.ts";
export type {
  CausalMask,
  Engine,
  GateKind,
  Ids,
  Ops,
  Precision,
  RotaryOptions,
  RotaryTable,
  SyncEngine,
  Tensor,
  Top,
} from "./ops.ts";
export { type ProfileOps, profile, type Timing } from "./profile.ts";
export { drawing } from "./random.ts";
export { readNumber, readNumbers, readTogether, using } from "./reading.ts";
export { reference } from "./reference.ts";
export { type SeriesOps, series } from "./series.ts";
export {
  type Axis,
  axesOf,
  type Shape,
  type Shaped,
  sameShape,
  showShape,
  sizeAlong,
  sizeOf,
  stridesOf,
  withoutAxes,
} from "./shape.ts";
export { sumOf, takeEntries } from "./stack.ts";
export { type Dual, type TangentOps, tangent } from "./tangent.ts";
export type { Traced } from "./tape.ts";
export { inOrder, placesIn, tensor } from "./tensor.ts";
export { type TransposedOps, transposed } from "./transposed.ts";
export { hostValue, type Nested, type NestedBy, type Value, type ValueRest } from "./value.ts";
