import type { Engine, Precision, Shaped } from "@resolvent/tensor";
import type { Model, Warning } from "@resolvent/transformer";
import type { Certificate } from "./certificate.ts";
import type { ReferenceFacts } from "./reference-facts.ts";
import { type ModelFacts, modelFacts, type Result, type TokenFacts, tokenFacts } from "./result.ts";
import type { Vocabulary } from "./subject.ts";

/** The three places where a block is nonlinear, each of which can be held at its values in a run. */
export type Gate = "pattern" | "norm" | "activation";

/** What has been done to the weights of a model: part of every result that depends on it. */
export interface WeightProcessing {
  /** Norm scales are in `W_Q, W_K, W_V, W_in, W_gate, W_U`, norm biases in their biases. */
  readonly foldNorms: boolean;
  /** Those weights are centred over `d_model`; only LayerNorm allows it. */
  readonly centreReads: boolean;
  /** Embeddings, `W_O`, `W_out` and their biases are centred over `d_model`; only LayerNorm allows it. */
  readonly centreWrites: boolean;
  /** `W_U` and `b_U` are centred over the vocabulary. */
  readonly centreVocabulary: boolean;
}

/** The head of a result of a built-in analysis: of what it is, how it was computed, and whether it adds up. */
export interface ResultHead<Kind extends string = string> extends Result {
  readonly kind: Kind;
  readonly model: ModelFacts;
  /** The engine that computed it; null where nothing was computed. */
  readonly engine: string | null;
  /** Of the computation; null as above. */
  readonly precision: Precision | null;
  /** Gates held at the run's values. */
  readonly freeze: readonly Gate[];
  /** What stands in place of what is taken away; null where nothing is. */
  readonly reference: ReferenceFacts | null;
  /** What was done to the weights; `none`: they are used as stored. */
  readonly weightProcessing: WeightProcessing | "none";
  /** Whether the parts add up to what was taken apart; null of results that claim no sum. */
  readonly certificate: Certificate | null;
  /** Without which it would be misread. A host adds what it knows of the model. */
  readonly warnings: readonly Warning[];
}

/** The head of a result that an engine computed. */
export interface ComputedResult<Kind extends string = string> extends ResultHead<Kind> {
  readonly engine: string;
  readonly precision: Precision;
}

/** The head of a result of one prompt. */
export interface PromptResult<Kind extends string = string> extends ComputedResult<Kind> {
  readonly input: { readonly tokens: readonly TokenFacts[] };
}

/** What an analysis says in the head of its result, where it is not the default. */
export interface HeadFields {
  /** Default none. */
  readonly freeze?: readonly Gate[];
  /** Default null: nothing is taken away. */
  readonly reference?: ReferenceFacts | null;
  /** Default `none`. */
  readonly weightProcessing?: WeightProcessing | "none";
  /** Default null: no sum is claimed. */
  readonly certificate?: Certificate | null;
  /** Default none. */
  readonly warnings?: readonly Warning[];
}

/** The head of a result for which nothing was computed. */
export function resultHead<Kind extends string, T extends Shaped>(
  kind: Kind,
  model: Pick<Model<T>, "name" | "sha256" | "architecture">,
  fields: HeadFields = {},
): ResultHead<Kind> {
  const { freeze = [], reference = null, weightProcessing = "none" } = fields;
  const { certificate = null, warnings = [] } = fields;
  return {
    ...{ schemaVersion: 1, kind, model: modelFacts(model), engine: null, precision: null },
    ...{ freeze, reference, weightProcessing, certificate, warnings },
  };
}

/** The head of a result that an engine computed. */
export function computedResult<Kind extends string, T extends Shaped>(
  kind: Kind,
  { name: engine, precision }: Pick<Engine<T>, "name" | "precision">,
  model: Model<T>,
  fields: HeadFields = {},
): ComputedResult<Kind> {
  return { ...resultHead(kind, model, fields), engine, precision };
}

/** The head of a result of one prompt; `text` says how its tokens read, default not at all. */
export function promptResult<Kind extends string, T extends Shaped>(
  kind: Kind,
  engine: Engine<T>,
  model: Model<T>,
  tokens: readonly number[],
  {
    text = () => "",
    ...fields
  }: HeadFields & { readonly text?: Vocabulary["text"] | undefined } = {},
): PromptResult<Kind> {
  const { certificate, warnings, ...head } = computedResult(kind, engine, model, fields);
  return { ...head, input: { tokens: tokenFacts(tokens, { text }) }, certificate, warnings };
}
