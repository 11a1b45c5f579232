export { type Analysis, type AnyAnalysis, defineAnalysis, type Parameters } from "./analysis.ts";
export { promptParameter } from "./parameters.ts";
export {
  type ModelFacts,
  modelFacts,
  type Result,
  type TokenFacts,
  tokenFacts,
} from "./result.ts";
export type { Outline, Progress, Prompt, Subject, Vocabulary } from "./subject.ts";
export type { Cell, Column, ColumnKind, Table } from "./table.ts";
