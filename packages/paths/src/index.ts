export type { Answer } from "./answer.ts";
export { type DirectAttribution, directAttribution } from "./attribution.ts";
export { effects, type ReadoutEffects, type SourceEffect } from "./effects.ts";
export { expandPaths, pathsError } from "./expand-paths.ts";
export type { ExpandPathsOptions } from "./expand-paths-options.ts";
export { type FrozenRun, frozenRun } from "./frozen-run.ts";
export type { PathEffect } from "./largest.ts";
export { shownVerdict } from "./path-end.ts";
export type {
  CheckedPath,
  PathExpansion,
  ShownAnswer,
  ShownPath,
  ShownRoute,
  ShownRoutes,
  ShownScore,
  ShownVerdict,
} from "./path-expansion.ts";
export { pathText, routeText, sourceText } from "./path-text.ts";
export { pathsCost } from "./paths-cost.ts";
export { type Covectors, pullBack, spread } from "./pull.ts";
export {
  directionReadout,
  type HeadSide,
  headReadout,
  logitReadout,
  type Readout,
} from "./readout.ts";
export { type Route, type Routes, type RoutesOptions, routesOf } from "./routes.ts";
export { type HeadScore, scoreReadout } from "./score-readout.ts";
export {
  allSources,
  liveSources,
  type SourceId,
  type SourceOptions,
  type Sources,
} from "./sources.ts";
export { type Step, stepNamed, stepsOf } from "./step.ts";
export type { PathClaim } from "./taken-path.ts";
export { type DegreeSum, type TopPaths, type TopPathsOptions, topPaths } from "./top-paths.ts";
export { type Claim, type Verdict, type VerifyOptions, verify } from "./verify.ts";
