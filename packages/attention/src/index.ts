export {
  type Circuit,
  type CircuitOptions,
  ovCircuit,
  type QkOptions,
  qkCircuit,
} from "./circuit.ts";
export {
  COMPOSITION_KINDS,
  type Composition,
  type CompositionKind,
  composition,
  compositionScore,
} from "./composition.ts";
export {
  type Copying,
  type CopyingOptions,
  type CyclicForms,
  copying,
  copyingScore,
  cyclicFormsOf,
  type Eigenvalue,
  type Ends,
  eigenvaluesOf,
  type OvFactors,
  type OvForms,
} from "./copying.ts";
export {
  type CircuitSvd,
  circuitSvd,
  type TokenEnds,
  type TokenEndsOptions,
  type TokenScore,
  tokensRead,
  tokensWritten,
} from "./directions.ts";
export { type AttentionFactors, attentionFactors } from "./head.ts";
export { type HeadScores, headScores, type TextScores, textScores } from "./head-scores.ts";
export {
  type ProcessedModel,
  type ProcessingOptions,
  processingFor,
  processingRecord,
  processWeights,
  RAW,
  type WeightProcessing,
} from "./processing.ts";
export { type Repeated, type RepeatedOptions, repeatedSequences } from "./repeated.ts";
export { ovTable, qkTable } from "./tables.ts";
