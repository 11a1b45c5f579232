import { InputError } from "@resolvent/tensor";
import type { Range } from "./range.ts";
import type { Parameters } from "./schema.ts";

/** What a parameter takes. */
export type ParameterValues =
  | {
      readonly kind:
        | "flag"
        | "text"
        /** Texts; their order counts. */
        | "texts"
        /** A text or token ids. */
        | "prompt"
        | "prompts"
        /** A token's text or id, a `TokenName`. */
        | "token"
        /** Tokens; their order counts. */
        | "tokens"
        /** One token or two, whose logit or logit difference is explained. */
        | "target"
        /** A head's name, `L1.H5`. */
        | "head"
        /** The name of a node, `L0.attn`; names or patterns of several, `bias:*`. */
        | "node"
        | "nodes"
        /** The text of a file of JSON lines. */
        | "jsonLines"
        /** A `TextFile`. */
        | "file"
        /** A `NewFile`. */
        | "newFile"
        /** The name of another model. */
        | "model"
        /** `SiteVector`s; their order counts. */
        | "siteVectors";
    }
  | {
      /** A layer, a position of the input: numbers from 0. */
      readonly kind: "number" | "numbers" | "layer" | "position";
      readonly range: Range;
    }
  | {
      /** A `NewFolder`. */
      readonly kind: "newFolder";
      /** Whether nothing that is there may be replaced, not even where somebody asks for it. */
      readonly fresh?: true;
    }
  | {
      /** One of some words; some of them. */
      readonly kind: "choice" | "choices";
      readonly choices: readonly string[];
    };

/** One parameter as help texts, options and forms show it, read from the schema. */
export type Parameter = ParameterValues & {
  /** `maxDegree` */
  readonly name: string;
  readonly description: string;
  /** What a form writes beside it, from JSON Schema's `label`; default the words of its name: `max degree`. */
  readonly label: string;
  /**
   * What a form shows together, from JSON Schema's `group`; default by its kind: `input` (prompts, files), `question`
   * (tokens, heads, layers, nodes, positions), `output` (files to write), `options`.
   */
  readonly group: string;
  /** What stands for a value in help texts, from JSON Schema's `title`: `k`. */
  readonly placeholder?: string;
  readonly required: boolean;
  /** Whether a command takes it as a word of its own after the model, in the order of the parameters, and not as an option. */
  readonly argument?: true;
  /** What it is where nothing is given. */
  readonly default?: unknown;
};

/** The dialect that schemas are asked for: what the standard recommends to all libraries. */
const TARGET = "draft-2020-12";

/**
 * The parameters of a schema, in its order.
 *
 * @throws InputError `analysis/bad-schema` where it describes no object, or a parameter that is none of: a
 * boolean, a number, a text, one of some texts, a prompt, a token, a head, a node, a file, or a list of these (but of booleans and files)
 */
export function describeParameters<P>(params: Parameters<P>): Parameter[] {
  const schema = params["~standard"].jsonSchema.input({ target: TARGET });
  if (schema.type !== "object") {
    throw badSchema(`Parameters are an object, got a schema of ${word(schema.type ?? schema)}.`);
  }
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(asSchema(schema.properties)).map(([name, part]) => {
    if (!/^[a-z]+(?:[A-Z0-9][a-z0-9]*)*$/.test(name)) {
      throw badSchema(`Parameters are called like maxDegree, got "${name}".`);
    }
    if (/^no[A-Z]/.test(name)) {
      throw badSchema(
        `Parameters say what is, got "${name}": --no-… is how a command turns one off.`,
      );
    }
    const own = asSchema(part);
    const { description = "", title, default: preset } = own;
    const values = valuesOf(name, own);
    return {
      name,
      description: String(description),
      label: typeof own.label === "string" ? own.label : wordsOf(name),
      group: typeof own.group === "string" ? own.group : groupOf(values.kind),
      ...(typeof title === "string" && { placeholder: title }),
      required: required.includes(name) && preset === undefined,
      ...(own.argument === true && { argument: checkArgument(name, values.kind) }),
      ...(preset !== undefined && { default: preset }),
      ...values,
    };
  });
}

/** What one word says. */
const WORDS: ReadonlySet<Parameter["kind"]> = new Set<Parameter["kind"]>([
  ...(["model", "text", "choice", "file", "newFile", "newFolder"] as const),
]);

function checkArgument(name: string, kind: Parameter["kind"]): true {
  if (WORDS.has(kind)) return true;
  throw badSchema(
    `The parameter ${name} is an argument of a command, which takes ${[...WORDS].join(", ")} and no ${kind}.`,
  );
}

/** `maxDegree` as `max degree`. */
function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function groupOf(kind: Parameter["kind"]): string {
  switch (kind) {
    case "prompt":
    case "prompts":
    case "jsonLines":
    case "file":
    case "model":
      return "input";
    case "token":
    case "tokens":
    case "target":
    case "head":
    case "layer":
    case "node":
    case "nodes":
    case "position":
      return "question";
    case "newFile":
    case "newFolder":
      return "output";
    default:
      return "options";
  }
}

type JsonSchema = Readonly<Record<string, unknown>>;

/** What formats of JSON Schema stand for. */
const FORMATS = {
  prompt: "prompt",
  token: "token",
  target: "target",
  head: "head",
  node: "node",
  "json-lines": "jsonLines",
  file: "file",
  "new-file": "newFile",
  model: "model",
} as const;

/** The format of a site with a vector, of which there are lists only. */
const SITE_VECTOR = "site-vector";

function valuesOf(name: string, schema: JsonSchema): ParameterValues {
  const { format } = schema;
  if (format === "new-folder")
    return { kind: "newFolder", ...(schema.fresh === true && { fresh: true }) };
  if (Object.hasOwn(FORMATS, String(format)))
    return { kind: FORMATS[format as keyof typeof FORMATS] };
  if (format === "layer" || format === "position") return { kind: format, range: rangeOf(schema) };
  if (schema.type === "array") {
    if (asSchema(schema.items).format === SITE_VECTOR) return { kind: "siteVectors" };
    const items = valuesOf(name, asSchema(schema.items));
    if (items.kind === "prompt") return { kind: "prompts" };
    if (items.kind === "token") return { kind: "tokens" };
    if (items.kind === "text") return { kind: "texts" };
    if (items.kind === "node") return { kind: "nodes" };
    if (items.kind === "number") return { ...items, kind: "numbers" };
    if (items.kind === "choice") return { ...items, kind: "choices" };
  }
  const choices = Array.isArray(schema.enum) ? schema.enum : [schema.const];
  if (choices.every((choice) => typeof choice === "string")) return { kind: "choice", choices };
  if (schema.type === "boolean") return { kind: "flag" };
  if (schema.type === "string") return { kind: "text" };
  if (schema.type === "number" || schema.type === "integer") {
    return { kind: "number", range: rangeOf(schema) };
  }
  throw badSchema(
    `The parameter ${name} is ${word(schema)}, which is no boolean, number, text, choice, prompt, token, head, node, file, or list of these.`,
  );
}

function rangeOf(schema: JsonSchema): Range {
  const bound = (name: string): number | undefined => {
    const value = schema[name];
    // Whole numbers are limited by their exactness, which nobody has to be told.
    return typeof value === "number" && Math.abs(value) < Number.MAX_SAFE_INTEGER
      ? value
      : undefined;
  };
  const [least, most] = [bound("minimum"), bound("maximum")];
  const [above, below] = [bound("exclusiveMinimum"), bound("exclusiveMaximum")];
  return {
    whole: schema.type === "integer",
    ...(least !== undefined && { least }),
    ...(above !== undefined && { above }),
    ...(most !== undefined && { most }),
    ...(below !== undefined && { below }),
  };
}

function asSchema(value: unknown): JsonSchema {
  return typeof value === "object" && value !== null ? (value as JsonSchema) : {}; // of strings to anything
}

function word(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function badSchema(message: string): InputError {
  return new InputError({
    code: "analysis/bad-schema",
    message,
    remedy: "Describe the parameters by one flat object of such values.",
  });
}
