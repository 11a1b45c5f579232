import {
  inRange,
  type Parameter,
  type Prompt,
  parseTokenNames,
  type Range,
  rangeText,
  textOfBytes,
  tokenNotation,
} from "@resolvent/analysis";
import type { WorkText } from "@resolvent/analysis/remote";
import { PROMPT_HINT, promptText, readPrompt } from "./prompt-text.ts";

/** How a field is filled in; `none`: what a page cannot give, as a file to be written. */
type FieldInput =
  | "text"
  | "prose"
  | "number"
  | "flag"
  | "choice"
  | "model"
  | "lines"
  | "file"
  | "none";

/** A field of a form: what is typed or ticked, and how it is read. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  /** What it stands together with. */
  readonly group: string;
  readonly required: boolean;
  readonly kind: Parameter["kind"];
  readonly input: FieldInput;
  readonly choices: readonly string[];
  /** Of numbers. */
  readonly range: Range | undefined;
  /** What stands where nothing is typed. */
  readonly hint: string;
  /** What it is where nothing is given. */
  readonly preset: unknown;
  text: string;
  on: boolean;
  /** The file that the text is of. */
  file: string;
}

/** The fields of an analysis's parameters, with what is given, and with the screen's text where one takes a text. */
export function formOf(
  parameters: readonly Parameter[],
  { given, prompt }: { readonly given: Readonly<Record<string, unknown>>; readonly prompt: Prompt },
): Field[] {
  return parameters.map((parameter): Field => {
    const { name, label, description, group, required, kind, default: preset } = parameter;
    const own = Object.hasOwn(given, name) ? given[name] : undefined;
    const start = own ?? (name === "prompt" && kind === "prompt" ? prompt : preset);
    return {
      ...{ name, label, description, group, required, kind, preset },
      input: inputOf(parameter),
      choices: choicesOf(parameter),
      range: "range" in parameter ? parameter.range : undefined,
      hint: inputOf(parameter) === "none" ? "by the command line only" : hintOf(parameter),
      text: textOf(kind === "file" ? Object(start).text : start, kind),
      on: start === true,
      file: kind === "file" ? String(Object(start).name ?? "") : "",
    };
  });
}

/** A flag that says neither where nothing is given is a choice of two. */
const EITHER = ["yes", "no"];

function choicesOf(parameter: Parameter): readonly string[] {
  if (parameter.kind === "choice" || parameter.kind === "choices") return parameter.choices;
  return parameter.kind === "flag" && parameter.default === undefined ? EITHER : [];
}

function inputOf({ kind, default: preset }: Parameter): FieldInput {
  switch (kind) {
    case "flag":
      return preset === undefined ? "choice" : "flag";
    case "choice":
    case "model":
      return kind;
    case "number":
    case "layer":
    case "position":
      return "number";
    case "prompt":
      return "prose";
    case "prompts":
    case "texts":
    case "siteVectors":
      return "lines";
    case "jsonLines":
    case "file":
      return "file";
    case "newFile":
    case "newFolder":
      return "none";
    default:
      return "text";
  }
}

function hintOf(parameter: Parameter): string {
  switch (parameter.kind) {
    case "prompt":
      return PROMPT_HINT;
    case "target":
    case "tokens":
      return '" Mary"," John"';
    case "token":
      return '" Mary"';
    case "head":
      return "L1.H5";
    case "node":
      return "L0.attn";
    case "nodes":
      return "L0.attn, bias:*";
    case "siteVectors":
      return '{"site": "L1.mlp.after", "vector": [0, …]}';
    case "numbers":
      return "1, 2, 3";
    case "choices":
      return parameter.choices.join(", ");
    case "file":
    case "jsonLines":
      return "pick a file, or paste what is in it";
    default:
      return parameter.placeholder ?? "";
  }
}

/** A value as it is typed. */
function textOf(value: unknown, kind: Parameter["kind"]): string {
  if (value === undefined || value === null) return "";
  if (kind === "prompt" && Array.isArray(value)) return promptText(value);
  if (["prompts", "texts"].includes(kind) && Array.isArray(value)) return value.join("\n");
  if (typeof value === "boolean") return EITHER[value ? 0 : 1] ?? "";
  if (Array.isArray(value)) {
    const texts = value.map((one) => (typeof one === "object" ? JSON.stringify(one) : String(one)));
    const isName = value.some((one) => typeof one === "string" && /^\s|\s$|,/.test(one));
    return isName
      ? value.map((one) => (typeof one === "string" ? tokenNotation(one) : `id:${one}`)).join(",")
      : texts.join(", ");
  }
  return String(value);
}

/** What a form says: values by name, files by what is in them, and what cannot be read, by the field that it is in. */
export interface ReadForm {
  readonly values: Readonly<Record<string, unknown>>;
  readonly faults: Readonly<Record<string, string>>;
}

/** The values of a form: what is as it is anyway is left out. */
export function valuesOf(fields: readonly Field[]): ReadForm {
  const values: Record<string, unknown> = {};
  const faults: Record<string, string> = {};
  for (const field of fields) {
    const { name } = field;
    try {
      const value = readField(field);
      const same = JSON.stringify(value) === JSON.stringify(field.preset);
      if (value !== undefined && !same) values[name] = value;
      if (field.required && value === undefined) faults[name] = "This has to be given.";
    } catch (error) {
      faults[name] = String(Object(error).message);
    }
  }
  return { values, faults };
}

/** Names of heads, and of nodes: what they may be is the analysis's to say. */
const HEAD = /^L\d+\.H\d+$/;

function readField(field: Field): unknown {
  const { kind, input, text, on, range, choices } = field;
  if (input === "flag") return on;
  if (text === "") return undefined;
  const words = (): string[] =>
    text
      .split(/[,\s]+/)
      .map((word) => word.trim())
      .filter((word) => word !== "");
  switch (kind) {
    case "flag":
      return text === EITHER[0];
    case "number":
    case "layer":
    case "position":
      return numberOf(text, range);
    case "numbers":
      return words().map((word) => numberOf(word, range));
    case "target":
      return atMost(2, parseTokenNames(text));
    case "tokens":
      return parseTokenNames(text);
    case "token":
      return atMost(1, parseTokenNames(text))[0];
    case "head":
      if (HEAD.test(text.trim())) return text.trim();
      throw new Error(`“${text}” is no head: heads are called like L1.H5.`);
    case "prompt":
      return readPrompt(text);
    case "nodes":
      return words();
    case "choices": {
      const odd = words().find((word) => !choices.includes(word));
      if (odd === undefined) return words();
      throw new Error(`“${odd}” is none of ${choices.join(", ")}.`);
    }
    case "prompts":
    case "texts":
      return text.split("\n").filter((line) => line !== "");
    case "siteVectors":
      return text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [jsonOf(line)]));
    case "file":
      return text.trim() === ""
        ? undefined
        : ({ name: field.file === "" ? field.label : field.file, text } satisfies WorkText);
    case "newFile":
    case "newFolder":
      return undefined;
    default:
      return text;
  }
}

function numberOf(text: string, range: Range | undefined): number {
  const value = Number(text.trim().replace("−", "-"));
  if (text.trim() === "" || !Number.isFinite(value)) throw new Error(`“${text}” is no number.`);
  if (range === undefined || inRange(range, value)) return value;
  throw new Error(`It is ${rangeText(range)}, not ${text.trim()}.`);
}

function atMost<Token>(most: number, tokens: readonly Token[]): readonly Token[] {
  if (tokens.length <= most) return tokens;
  throw new Error(`These are ${tokens.length} tokens; there may be ${most}.`);
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(`“${line.slice(0, 40)}” is no JSON.`);
  }
}

/** The field that a message is about, where it begins by its name; messages of several are of none. */
export function fieldOfMessage(fields: readonly Field[], message: string): string | undefined {
  return fields.find(({ name }) => message.startsWith(`${name}: `))?.name;
}

/** A message in words of a form: `--max-degree` of the command is the field “max degree”, and MODEL the one that is open. */
export function inWords(parameters: readonly Parameter[], message: string): string {
  const words = message.replace(/\bMODEL\b/g, "the model");
  return words.replace(/--([a-z]+(?:-[a-z0-9]+)*)(?: [A-Z]+\b)?/g, (option, name: string) => {
    const own = parameters.find((one) => optionOf(one.name) === name);
    if (own !== undefined) return `“${own.label}”`;
    // Ids of a prompt have an option of their own there, and here its field.
    const text = parameters.find(
      ({ name: one, kind }) =>
        kind === "prompt" && name === (one === "prompt" ? "tokens" : `${optionOf(one)}-tokens`),
    );
    return text === undefined ? option : `“${text.label}” as id:1, id:2`;
  });
}

function optionOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Characters of a file that are read into a page at most: a corpus of a hundred megabytes takes it hours. */
const MOST_CHARACTERS = 100_000_000;

/** A file as a text of a form. @throws Error where it is too long */
export async function fileText(file: File): Promise<WorkText> {
  if (file.size > MOST_CHARACTERS) {
    throw new Error(
      `${file.name} has ${file.size.toLocaleString("en")} bytes; the page reads ${MOST_CHARACTERS.toLocaleString("en")} at most. Use the command for it.`,
    );
  }
  return { name: file.name, text: textOfBytes(new Uint8Array(await file.arrayBuffer())) };
}
