export { type DirectAttribution, directAttribution } from "./attribution.ts";
export { effects, type ReadoutEffects, type SourceEffect } from "./effects.ts";
export {
  type ExpandPathsOptions,
  expandPaths,
  type PathExpansion,
  pathsError,
  type ShownPath,
} from "./expand-paths.ts";
export { type FrozenRun, frozenRun } from "./frozen-run.ts";
export type { PathEffect } from "./largest.ts";
export { pathText, sourceText } from "./path-text.ts";
export { pathsCost } from "./paths-cost.ts";
export { type Covectors, pullBack, spread } from "./pull.ts";
export {
  directionReadout,
  type HeadSide,
  headReadout,
  logitReadout,
  type Readout,
} from "./readout.ts";
export {
  allSources,
  liveSources,
  type SourceId,
  type SourceOptions,
  type Sources,
} from "./sources.ts";
export { type Step, stepNamed, stepsOf } from "./step.ts";
export { type DegreeSum, type TopPaths, type TopPathsOptions, topPaths } from "./top-paths.ts";
export { type Claim, type Verdict, verify } from "./verify.ts";
