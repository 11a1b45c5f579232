export type { Warning } from "@resolvent/transformer";
export { type Agreement, agreement } from "./agreement.ts";
export {
  type AloneWork,
  type Analysis,
  type AnyAnalysis,
  type AnyFilesAnalysis,
  type AnyOutlineAnalysis,
  defineAnalysis,
  type FilesAnalysis,
  isAnalysis,
  type ListedAnalysis,
  type OutlineAnalysis,
} from "./analysis.ts";
export { analysisOf } from "./analysis-of.ts";
export { type ByParameter, modelOf } from "./by-parameter.ts";
export {
  CERTIFICATE_TOLERANCE,
  type Certificate,
  certificateFor,
  certificateLine,
  type JudgedError,
} from "./certificate.ts";
export { checkParameters, type Fault } from "./check.ts";
export { checkTables, type TableLimits } from "./check-tables.ts";
export { checkViews } from "./check-views.ts";
export { type Corpus, type CorpusFiles, corpusOf, textPieces, tokenLines } from "./corpus.ts";
export { csvLine, csvLines } from "./csv.ts";
export {
  describeParameters,
  type Parameter,
  type ParameterValues,
} from "./described.ts";
export { bytes, divergence, operations, percent, roundingOf, short } from "./figures.ts";
export {
  fileBytes,
  type NewFile,
  type NewFolder,
  type TextFile,
  textFile,
  textOfBytes,
  type WriteFile,
  writeText,
} from "./file.ts";
export type { FilesHost, FilesSubject } from "./files-subject.ts";
export { type HeadFacts, headFacts } from "./head-facts.ts";
export {
  type FoundFiles,
  type FoundModel,
  type Heard,
  type Host,
  heardWhileHashing,
  heardWhileLoading,
  type Loaded,
  type Loading,
  type Values,
  type Wanted,
} from "./host.ts";
export { entriesOf, jsonLines, type WrittenTable } from "./json-lines.ts";
export { type JsonSchema, schemaFault } from "./json-schema.ts";
export { type Kept, type KeptOptions, keptValues } from "./kept.ts";
export {
  type DictionaryFiles,
  NEEDS,
  type Need,
  type Offered,
  type Provided,
  type Provisions,
  type Refusal,
} from "./needs.ts";
export { normOf } from "./numbers.ts";
export { type OverPromptsOptions, overPrompts } from "./over-prompts.ts";
export { type PromptOptions, pause, type WorkOptions } from "./pause.ts";
export { type Presentation, promptSetPresentation } from "./presentation.ts";
export type { PairFacts } from "./prompt-pair.ts";
export {
  isPrompt,
  type PromptRow,
  parsePromptRows,
  ROWS_LIMIT,
  targetNames,
} from "./prompt-rows.ts";
export { meanTables, type PromptSet, type SetRow, type SetTable, setRows } from "./prompt-set.ts";
export { type AskedQuestion, questionHash } from "./question.ts";
export { inRange, type Range, rangeText } from "./range.ts";
export { isNothing, ratio } from "./ratio.ts";
export { type ReferenceFacts, ZERO_REFERENCE } from "./reference-facts.ts";
export type { NotShown, Remainder } from "./remainder.ts";
export {
  faultOfResult,
  inputLine,
  type ModelFacts,
  type ModelIdentity,
  modelFacts,
  modelIdentity,
  promptText,
  type Result,
  type TokenFacts,
  tokenFacts,
} from "./result.ts";
export {
  type ComputedResult,
  computedResult,
  type Gate,
  type HeadFields,
  type PromptResult,
  promptResult,
  type ResultHead,
  resultHead,
  type WeightProcessing,
} from "./result-head.ts";
export { type SchemaOf, schemaOf } from "./result-schema.ts";
export { type Asked, runAnalyses } from "./run-analyses.ts";
export {
  type AloneHost,
  type Outcome,
  type Prepared,
  type PreparedAlone,
  prepareAlone,
  prepareAnalysis,
  runAlone,
  runAnalysis,
} from "./run-analysis.ts";
export { type Answer, runEach } from "./run-each.ts";
export { planFiles, runFiles } from "./run-files.ts";
export type { Parameters } from "./schema.ts";
export { setHead } from "./set-head.ts";
export { meanViews } from "./set-views.ts";
export type { SiteVector } from "./site-vector.ts";
export {
  certificatesOf,
  type NotFinite,
  type PlacedCertificate,
  plainResult,
  type Soundness,
  soundnessOf,
  type Unbalanced,
} from "./soundness.ts";
export {
  type RunningSpread,
  runningSpread,
  type Spread,
  spreadOf,
  spreadText,
  studentT,
} from "./spread.ts";
export { storedTensors } from "./stored-tensors.ts";
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
export { namedTarget, type TargetFacts, targetFacts, targetText } from "./target.ts";
export { type TextLossNotes, textLossNotes } from "./text-losses.ts";
export { type TextRow, type TextRowsOptions, textRows } from "./text-rows.ts";
export { parseTokenIds, parseTokenNames, type TokenName, tokenNotation } from "./token-notation.ts";
export { toldOf } from "./told.ts";
export { type TopToken, topTokens } from "./top.ts";
export {
  type ArcsView,
  type BarsView,
  type CurvesView,
  type GraphView,
  type GridView,
  type ListView,
  listViews,
  type Mark,
  type PassagesView,
  type Place,
  type RoutesView,
  type ScatterView,
  type Series,
  type SlopeView,
  tokenPlaces,
  type View,
} from "./view.ts";
export { vocabularyOf } from "./vocabulary.ts";
export { warningCodes, warningLines, withWarnings } from "./warning.ts";
