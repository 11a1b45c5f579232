export type { Field, FieldOf, FieldOptions, Said } from "./parameters/field.ts";
export {
  choicesParameter,
  type ListOf,
  type ListOptions,
  nodesParameter,
  numbersParameter,
  promptsParameter,
  siteVectorsParameter,
  targetParameter,
  textsParameter,
  tokensParameter,
} from "./parameters/lists.ts";
export {
  type GivenOf,
  type ParametersCheck,
  parameters,
  type ValuesOf,
} from "./parameters/parameters.ts";
export {
  choiceParameter,
  countParameter,
  fileParameter,
  flagParameter,
  headParameter,
  jsonLinesParameter,
  layerParameter,
  modelParameter,
  type NumberOptions,
  newFileParameter,
  newFolderParameter,
  nodeParameter,
  numberParameter,
  positionParameter,
  promptParameter,
  textParameter,
  tokenParameter,
} from "./parameters/values.ts";
