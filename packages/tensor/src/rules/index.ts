/**
 * The shape rules, for authors of engines and interpreters: one function for each operation of `Ops` and `LinearAlgebra`,
 * and what else engines have in common. Each gives the result's shape in memory order, or throws the input error that every interpreter throws.
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
  putShape,
  renameShape,
  sliceShape,
  splitShape,
  takeShape,
} from "./layout.ts";
