export { type Agreement, agreement } from "@resolvent/analysis";
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
export { type Circuit, type CircuitSubject, circuitTargets } from "./circuit-run.ts";
export { effectOf } from "./effect-of.ts";
export {
  edgesOf,
  type PatchEdge,
  type PatchGraph,
  type PatchLevel,
  type PatchReceiver,
  patchGraph,
} from "./graph.ts";
export { type Asked, askedOf, MEASURES, type Measure } from "./measure.ts";
export { type MibGraph, mibGraph, mibScores, readMibGraph } from "./mib.ts";
export { PAIRS_LIMIT, type PairLine, type PromptPair, parsePairs } from "./pairs.ts";
export {
  type EffectMatrix,
  type PatchedPair,
  type PatchOptions,
  type PatchResult,
  patchEffects,
} from "./patch.ts";
export { patchCost } from "./patch-cost.ts";
export type { PatchRun } from "./patch-run.ts";
export type { Patched } from "./patched.ts";
export type { PromptModels } from "./prompt-models.ts";
export type { Interval } from "./ratio-spread.ts";
export {
  type EffectMethod,
  PATCH_METHODS,
  type PatchMethod,
  type PatchReference,
  type PatchSetting,
  patchSetting,
  type SettingFacts,
} from "./setting.ts";
