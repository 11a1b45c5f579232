/**
 * The shape rules, for authors of engines and interpreters: one function for each operation of `Ops` and `LinearAlgebra`,
 * which gives the result's shape in memory order or throws the input error that every interpreter throws. And what else
 * engines have in common: how to go through memory, as loops, for which shapes are enough.
 */
export {
  alongShape,
  binaryShape,
  type MatmulRoles,
  matmulRoles,
  matmulShape,
  rotaryShape,
  softmaxShape,
  sumShape,
} from "./arithmetic.ts";
export { checkShape } from "./checks.ts";
export {
  eigenShape,
  type SvdShapes,
  svdShape,
  type TriangleShapes,
  triangleShape,
} from "./decompositions.ts";
export { scopeResult, topShape } from "./engine.ts";
export {
  arrangeShape,
  broadcastShape,
  concatShape,
  constantShape,
  joinShape,
  neighbours,
  putShape,
  renameShape,
  sliceShape,
  splitShape,
  takeShape,
} from "./layout.ts";
export {
  type Around,
  adjacentRun,
  around,
  countOf,
  type Loop,
  loopsOver,
  maskNumbers,
  merged,
  rowsOrder,
  sumRuns,
  walkOf,
} from "./loops.ts";
export { isBetterTurned, type ProductLoops, productLoops, swapped, turnedOver } from "./product.ts";
export { handlesIn, Scopes } from "./scopes.ts";
