import { InputError, type Shaped } from "@resolvent/tensor";
import { blockNames, type Model, type Warning } from "@resolvent/transformer";
import { type JsonSchema, schemaFault } from "./json-schema.ts";
import { plainFault } from "./plain-fault.ts";
import { schemaOf } from "./result-schema.ts";

/** What all results have: plain data that survives JSON. */
export interface Result {
  /** Of results of this kind: raised where a field changes its meaning or goes. Results of the built-in analyses have 1, contributed ones their own. */
  readonly schemaVersion: number;
  /** What kind of result it is: `degree-expansion`. */
  readonly kind: string;
  readonly model: ModelIdentity;
  /**
   * Which question it answers, see `questionHash`: results of the same question agree within rounding, whoever has
   * computed them. A host adds it; absent of what was made without one.
   */
  readonly question?: string;
  /** Without which it would be misread. A host adds what it knows of the model; absent where nothing is to be said. */
  readonly warnings?: readonly Warning[];
}

/**
 * What is wrong with what an analysis gave, where it is no result at all, or not as the analysis says its results are:
 * hosts run analyses of others.
 *
 * @param schema of its results, where the analysis has one; results over prompts are not of it
 */
export function faultOfResult(result: unknown, schema?: JsonSchema): string | undefined {
  if (typeof result !== "object" || result === null) {
    return `${result === null ? "null" : typeof result} instead of an object`;
  }
  const { schemaVersion, kind, model } = result as Readonly<Record<string, unknown>>; // of an object, anything
  if (typeof kind !== "string" || kind === "") return "a result without a kind";
  if (!Number.isInteger(schemaVersion)) return "a result without a schemaVersion";
  if (typeof Object(model).name !== "string") {
    return "a result that does not say which model it is about";
  }
  const odd = plainFault(result);
  if (odd !== undefined) return `a result that has ${odd}`;
  if (schema === undefined) return undefined;
  const of = schemaOf(schema);
  if (kind === "prompt-set" && of?.kind !== kind) return undefined;
  if (of?.kind !== kind) return `a result of the kind ${kind}, where its schema is of ${of?.kind}`;
  if (of.schemaVersion !== schemaVersion) {
    return `a result of version ${schemaVersion} of ${kind}, where its schema is of version ${of.schemaVersion}`;
  }
  const fault = schemaFault(schema, result);
  return fault === undefined ? undefined : `a result that is not as its schema says: ${fault}`;
}

/** @throws InputError `analysis/bad-result` */
export function checkResult(name: string, result: unknown, schema?: JsonSchema): void {
  const wrong = faultOfResult(result, schema);
  if (wrong === undefined) return;
  throw new InputError({
    code: "analysis/bad-result",
    message: `The analysis ${name} gave ${wrong}.`,
    remedy: "That is a fault of the analysis: tell its author.",
    details: { analysis: name },
  });
}

/** Which model a result is about. */
export interface ModelIdentity {
  readonly name: string;
  readonly sha256: string | null;
  /** `model_type` of its config. */
  readonly architecture: string;
}

/** The same, with what the model is made of. */
export interface ModelFacts extends ModelIdentity {
  readonly blocks: readonly string[];
}

/** What is known of a model without its weights. */
type Known<T extends Shaped> = Pick<Model<T>, "name" | "sha256" | "architecture">;

/** Which model it is, as its results say it. */
export function modelIdentity<T extends Shaped>(model: Known<T>): ModelIdentity {
  return {
    name: model.name,
    sha256: model.sha256 ?? null,
    architecture: model.architecture.family,
  };
}

/** The facts about a model that its results carry. */
export function modelFacts<T extends Shaped>(model: Known<T>): ModelFacts {
  return { ...modelIdentity(model), blocks: blockNames(model.architecture) };
}

/** A token and how it reads. */
export interface TokenFacts {
  readonly id: number;
  readonly text: string;
}

/** Tokens as results carry them. */
export function tokenFacts(
  ids: readonly number[],
  vocabulary: { text(id: number): string },
): TokenFacts[] {
  return ids.map((id) => ({ id, text: vocabulary.text(id) }));
}

/** Text in a line longer than this is cut. */
const LINE_TEXT = 60;

/** A prompt as people read it: its text in quotes; ids with spaces where its tokens have no text. */
export function promptText(tokens: readonly TokenFacts[]): string {
  const bare = tokens.every(isBare);
  const whole = tokens.map((token) => (bare ? token.id : token.text)).join(bare ? " " : "");
  const shown = whole.length > LINE_TEXT ? `${whole.slice(0, LINE_TEXT - 3)}…` : whole;
  return bare ? shown : JSON.stringify(shown);
}

/** Whether a token has no text, as without a tokenizer. */
function isBare({ id, text }: TokenFacts): boolean {
  return text === `id:${id}`;
}

/** What was analysed, in a line, as tables have it below their title: `tales, 10 blocks, 4 tokens: "Once upon"`. */
export function inputLine(
  { name, blocks }: Pick<ModelFacts, "name" | "blocks">,
  tokens: readonly TokenFacts[],
): string {
  const count = `${tokens.length} ${tokens.length === 1 ? "token" : "tokens"}`;
  return `${name}, ${blocks.length} blocks, ${count}: ${promptText(tokens)}`;
}
