export {
  type Analysis,
  type AnyAnalysis,
  type AnyOutlineAnalysis,
  defineAnalysis,
  type Made,
  type OutlineAnalysis,
} from "./analysis.ts";
export { checkParameters, type Fault } from "./check.ts";
export { describeParameters, type Parameter, type Range } from "./described.ts";
export { divergence, percent, roundingOf, short } from "./figures.ts";
export { fileParameter, type NewFile, newFileParameter, type TextFile } from "./file.ts";
export { type Parameters, promptParameter, promptsParameter } from "./parameters.ts";
export { pause } from "./pause.ts";
export {
  inputLine,
  type ModelFacts,
  type ModelIdentity,
  modelFacts,
  modelIdentity,
  type Result,
  type TokenFacts,
  tokenFacts,
} from "./result.ts";
export type {
  Checkpoint,
  ModelFiles,
  Outline,
  Progress,
  Prompt,
  Subject,
  Vocabulary,
} from "./subject.ts";
export type { Cell, Column, ColumnKind, Table } from "./table.ts";
export { type Warning, warningCodes, warningLines } from "./warning.ts";
