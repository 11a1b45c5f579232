import {
  inRange,
  type NewFile,
  type NewFolder,
  type Parameter,
  type Prompt,
  parseTokenNames,
  type Range,
  rangeText,
  type TextFile,
  type TokenName,
} from "@resolvent/analysis";
import { Argument, InvalidArgumentError, Option } from "commander";
import { usageError } from "./failure.ts";
import { someOf } from "./options.ts";
import { readSiteVector } from "./site-vector.ts";
import { noInput, parseTokens } from "./tokens.ts";

/** A parameter as a word of a command: `<other>`, `[other]`. */
export function argumentOf({ name, kind, description, required }: Parameter): Argument {
  const said = kind === "file" ? described(description, "- is standard input") : description;
  return new Argument(required ? `<${name}>` : `[${name}]`, said);
}

/** A parameter as options of a command: two where a value can be given in two ways. */
export function optionsOf(parameter: Parameter): Option[] {
  const { name, kind, description, placeholder, required } = parameter;
  const flag = flagOf(name);
  const option = (value: string, more = ""): Option =>
    new Option(
      `${flag} <${placeholder ?? value}>`,
      described(description, more),
    ).makeOptionMandatory(required);
  const preset = (made: Option, text?: string): Option[] => [
    parameter.default === undefined || text === "" ? made : made.default(parameter.default, text),
  ];
  switch (kind) {
    case "flag":
      if (parameter.default === true) {
        return [new Option(`--no-${flag.slice(2)}`, `do not ${description}`)];
      }
      return [
        new Option(flag, description),
        ...(parameter.default === undefined
          ? [new Option(`--no-${flag.slice(2)}`, `the opposite of ${flag}`)]
          : []),
      ];
    case "layer":
    case "position":
    case "number": {
      const { range } = parameter;
      return preset(option(range.whole ? "n" : "x").argParser(numberIn(range)));
    }
    case "numbers": {
      const parse = listOf(numberIn(parameter.range));
      return preset(option("list", "comma-separated").argParser(parse), listed(parameter));
    }
    case "choice":
      return preset(option(lastWord(name)).choices(parameter.choices));
    case "choices": {
      const { choices } = parameter;
      const made = option("names", `none, all, or some of ${choices.join(",")}`);
      return preset(made.argParser(someOf(choices)), listed(parameter, choices));
    }
    case "jsonLines":
      return [option("file", "- is standard input; or the lines themselves")];
    case "siteVectors":
      return [
        option(
          "site=file",
          "repeatable; FILE is a JSON array or safetensors of one tensor",
        ).argParser((text: string, before: readonly string[] = []) => [...before, text]),
      ];
    case "file":
      return [option("file", "- is standard input")];
    case "newFile":
      return [option("file")];
    case "newFolder":
      return [option("folder")];
    case "model":
      return [option("model", "named as MODEL is, NAME@REVISION on the Hub")];
    case "head":
    case "node":
    case "text":
      return preset(option("text"));
    case "nodes":
    case "texts": {
      const words = placeholder?.endsWith("...") === true;
      const made = option("list", words ? "separated by commas or spaces" : "comma-separated");
      return preset(words ? made : made.argParser((text) => [text]), listed(parameter));
    }
    case "token":
      return preset(option("token").argParser(oneToken));
    case "target":
    case "tokens":
      return preset(
        option("tokens", "comma-separated").argParser(parseTokenNames),
        listed(parameter),
      );
    case "prompt": {
      const [ids] = idsFlags(name);
      const from = name === "prompt" && required ? "default: standard input" : "";
      return [
        new Option(
          `${flag} <${placeholder ?? "text"}>`,
          from === "" ? description : `${description}; ${from}`,
        ),
        new Option(`${ids} <ids>`, `${flag} as token ids, such as 1,2,3`),
      ];
    }
    case "prompts": {
      const [ids] = idsFlags(name);
      return [
        ...preset(
          new Option(`${flag} <${placeholder ?? "text"}...>`, description),
          listed(parameter),
        ),
        new Option(`${ids} <ids...>`, `${flag} as token ids, such as 1,2,3 4,5`),
      ];
    }
  }
}

/** Files that options name. */
export interface Files {
  /** All of a text. */
  readonly readText: (path: string) => Promise<string>;
  readonly textFile: (path: string) => TextFile;
  /** `flag` is the option that names it. */
  readonly newFile: (flag: string, path: string) => NewFile;
  /** `fresh`: nothing that is there may be replaced. */
  readonly newFolder: (flag: string, path: string, fresh: boolean) => NewFolder;
}

/** What the options of a command say, by attribute name, as values of parameters. */
export async function valuesOf(
  parameters: readonly Parameter[],
  flags: Readonly<Record<string, unknown>>,
  files: Files,
): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const parameter of parameters) {
    const given = givenTo(parameter, flags);
    if (given === undefined) continue;
    if (parameter.kind === "siteVectors") {
      const each = given as readonly string[]; // an option that gathers words
      values[parameter.name] = await Promise.all(
        each.map((word) => readSiteVector(flagOf(parameter.name), word, files.textFile)),
      );
      continue;
    }
    values[parameter.name] =
      typeof given === "string" ? await readValue(parameter, given, files) : given;
  }
  return values;
}

async function readValue(
  parameter: Parameter,
  given: string,
  { readText, textFile, newFile, newFolder }: Files,
): Promise<unknown> {
  const { kind } = parameter;
  const called = calledOf(parameter);
  if (kind === "newFile") return newFile(called, given);
  if (kind === "newFolder") return newFolder(called, given, parameter.fresh === true);
  if (kind === "file") return textFile(given);
  if (kind === "jsonLines") return /^\s*[{[]/.test(given) ? given : await readText(given);
  return given;
}

function givenTo(parameter: Parameter, flags: Readonly<Record<string, unknown>>): unknown {
  const { name, kind, required } = parameter;
  const given = flags[name];
  if (kind === "prompt" && given === "" && name === "prompt") throw noInput();
  if (kind === "prompt") {
    const [flag, attribute] = idsFlags(name);
    const ids = flags[attribute] as string | undefined; // an option without a parser
    if (given !== undefined && ids !== undefined) {
      throw usageError(`${flagOf(name)} and ${flag} are two inputs.`, "Give one of them.");
    }
    if (given === undefined && ids === undefined && required && name !== "prompt") {
      throw usageError(
        `There is no ${flagOf(name)}.`,
        `Give ${flagOf(name)} TEXT or ${flag} 1,2,3.`,
      );
    }
    return ids === undefined ? given : parseTokens(ids, flag);
  }
  if ((kind === "texts" || kind === "nodes") && given !== undefined) {
    return (given as readonly string[]).flatMap((word) => word.split(",")); // words, or one with commas
  }
  if (kind === "prompts") {
    const [flag, attribute] = idsFlags(name);
    const lists = (flags[attribute] ?? []) as readonly string[]; // a variadic option without a parser
    const texts = (given ?? []) as readonly Prompt[]; // the same
    return [...texts, ...lists.map((list) => parseTokens(list, flag))];
  }
  return given;
}

/** `maxDegree` as `--max-degree`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** What messages call a parameter: `--out`, or `OUT` where it is a word. */
export function calledOf({ name, argument }: Pick<Parameter, "name" | "argument">): string {
  return argument ? flagOf(name).slice(2).toUpperCase() : flagOf(name);
}

/** The option for token ids beside a prompt's, and its attribute. */
function idsFlags(name: string): [flag: string, attribute: string] {
  return name === "prompt" ? ["--tokens", "tokens"] : [`${flagOf(name)}-tokens`, `${name}Tokens`];
}

/** A description and the form of the value; a default that it ends with stays last. */
function described(description: string, form: string): string {
  if (form === "") return description;
  const [what, ...preset] = description.split("; default: ");
  return [`${what}; ${form}`, ...preset].join("; default: ");
}

/** A default list as people write it; "" where an empty one goes without saying. */
function listed(parameter: Parameter, all?: readonly unknown[]): string {
  const list = parameter.default;
  if (!Array.isArray(list)) return "";
  if (list.length === 0) return all === undefined ? "" : "none";
  return list.length === all?.length ? "all" : list.join(",");
}

/** `referenceKind` as `kind`. */
function lastWord(name: string): string {
  return (/[A-Z]?[a-z0-9]*$/.exec(name)?.[0] ?? name).toLowerCase();
}

function oneToken(text: string): TokenName {
  const [name, ...more] = parseTokenNames(text);
  if (name !== undefined && more.length === 0) return name;
  throw new InvalidArgumentError('Expected one token; a comma is "," in quotes.');
}

/** Parses a number of a range. */
function numberIn(range: Range): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    const written = !range.whole || /^-?\d+$/.test(text); // 1e3 is no whole number for people
    if (written && inRange(range, value)) return value;
    throw new InvalidArgumentError(`Expected ${rangeText(range)}.`);
  };
}

function listOf<V>(parse: (text: string) => V): (text: string) => V[] {
  return (list) => list.split(",").map((text) => parse(text.trim()));
}
