export { type DirectAttribution, directAttribution } from "./attribution.ts";
export type { PathEffect } from "./best.ts";
export { effects, type ReadoutEffects, type SourceEffect } from "./effects.ts";
export {
  type ExpandPathsOptions,
  expandPaths,
  type PathExpansion,
  pathsError,
  type ShownPath,
} from "./expand-paths.ts";
export { type Level, type PathNode, pathNodes } from "./node.ts";
export { pathsCost } from "./price.ts";
export { type Covectors, pullBack, spread } from "./pull.ts";
export {
  directionReadout,
  type HeadSide,
  headReadout,
  logitReadout,
  type Readout,
} from "./readout.ts";
export { type FrozenRun, frozenRun } from "./run.ts";
export {
  allSources,
  liveSources,
  type SourceId,
  type SourceOptions,
  type Sources,
} from "./source.ts";
export { pathText, sourceText } from "./text.ts";
export { type DegreeSum, type TopPaths, type TopPathsOptions, topPaths } from "./top.ts";
export { type Claim, type Verdict, verify } from "./verify.ts";
