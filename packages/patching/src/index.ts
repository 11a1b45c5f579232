export { type Agreement, agreement } from "./agreement.ts";
export { type Branch, branchTargets } from "./branches.ts";
export {
  areaUnder,
  CIRCUIT_SIZES,
  type CircuitOptions,
  type CircuitResult,
  type CircuitSize,
  findCircuit,
  type ScoredEdge,
} from "./circuit.ts";
export { type Circuit, circuitTargets } from "./circuit-run.ts";
export {
  edgesOf,
  type PatchEdge,
  type PatchGraph,
  type PatchLevel,
  type PatchReceiver,
  type PatchSource,
  patchGraph,
} from "./graph.ts";
export { PAIRS_LIMIT, type PairLine, type PromptPair, parsePairs } from "./pairs.ts";
export {
  type EffectMatrix,
  type PatchedPair,
  type PatchOptions,
  type PatchResult,
  patchEffects,
} from "./patch.ts";
export { patchCost } from "./patch-cost.ts";
export {
  PATCH_METHODS,
  type PatchMethod,
  type PatchReference,
  type PatchSetting,
  patchSetting,
} from "./setting.ts";
