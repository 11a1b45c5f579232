import { type Parameter, type Prompt, parseTokenNames, tokenNotation } from "@resolvent/analysis";

/** A field of a form: what is typed or ticked, and how it is read. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly required: boolean;
  readonly kind: Parameter["kind"];
  /** `none`: what a page cannot give, as a file to be written. */
  readonly input: "text" | "number" | "flag" | "choice" | "lines" | "none";
  readonly choices: readonly string[];
  /** What stands where nothing is typed. */
  readonly hint: string;
  /** What it is where nothing is given. */
  readonly preset: unknown;
  text: string;
  on: boolean;
}

/** The fields of an analysis's parameters, with what is given, and with the screen's text where one takes a text. */
export function formOf(
  parameters: readonly Parameter[],
  { given, prompt }: { readonly given: Readonly<Record<string, unknown>>; readonly prompt: Prompt },
): Field[] {
  return parameters.map((parameter): Field => {
    const { name, label, description, required, kind, default: preset } = parameter;
    const own = Object.hasOwn(given, name) ? given[name] : undefined;
    const start = own ?? (name === "prompt" && kind === "prompt" ? prompt : preset);
    return {
      ...{ name, label, description, required, kind, preset },
      input: inputOf(parameter),
      choices: choicesOf(parameter),
      hint: inputOf(parameter) === "none" ? "by the command line only" : hintOf(parameter),
      text: textOf(start),
      on: start === true,
    };
  });
}

/** A flag that says neither where nothing is given is a choice of two. */
const EITHER = ["yes", "no"];

function choicesOf(parameter: Parameter): readonly string[] {
  if (parameter.kind === "choice") return parameter.choices;
  return parameter.kind === "flag" && parameter.default === undefined ? EITHER : [];
}

function inputOf({ kind, default: preset }: Parameter): Field["input"] {
  switch (kind) {
    case "flag":
      return preset === undefined ? "choice" : "flag";
    case "choice":
      return "choice";
    case "number":
    case "layer":
    case "position":
      return "number";
    case "prompts":
    case "texts":
    case "jsonLines":
      return "lines";
    case "file":
    case "newFile":
    case "newFolder":
    case "siteVectors":
      return "none";
    default:
      return "text";
  }
}

function hintOf(parameter: Parameter): string {
  switch (parameter.kind) {
    case "target":
      return '" Mary"," John"';
    case "token":
      return '" Mary"';
    case "tokens":
      return '" Mary"," John"';
    case "head":
      return "L1.H5";
    case "numbers":
      return "1, 2, 3";
    case "choices":
      return parameter.choices.join(", ");
    default:
      return parameter.placeholder ?? "";
  }
}

/** A value as it is typed. */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
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

/** What a form says: values by name, and what of it cannot be read. */
export interface ReadForm {
  readonly values: Readonly<Record<string, unknown>>;
  readonly faults: readonly string[];
}

/** The values of a form: what is as it is anyway is left out. */
export function valuesOf(fields: readonly Field[]): ReadForm {
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const field of fields) {
    try {
      const value = readField(field);
      const same = JSON.stringify(value) === JSON.stringify(field.preset);
      if (value !== undefined && !same) values[field.name] = value;
    } catch (error) {
      faults.push(`${field.label}: ${Object(error).message}`);
    }
  }
  return { values, faults };
}

function readField({ kind, input, text, on }: Field): unknown {
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
      return numberOf(text);
    case "numbers":
      return words().map(numberOf);
    case "target":
    case "tokens":
      return parseTokenNames(text);
    case "token":
      return parseTokenNames(text)[0];
    case "nodes":
    case "choices":
      return words();
    case "prompts":
    case "texts":
      return text.split("\n").filter((line) => line !== "");
    case "file":
    case "newFile":
    case "newFolder":
    case "siteVectors":
      return undefined;
    default:
      return text;
  }
}

function numberOf(text: string): number {
  const value = Number(text.trim().replace("−", "-"));
  if (text.trim() === "" || !Number.isFinite(value)) throw new Error(`“${text}” is no number.`);
  return value;
}
