import { type Parameter, type TokenName, tokenNotation } from "@resolvent/analysis";
import type { AnalysisDescription, Work } from "@resolvent/analysis/remote";
import { isBuiltIn } from "./lists.ts";
import { hubModel, isFilesName } from "./own-names.ts";

/** What a copy has to know of an analysis. */
export type Known = Pick<AnalysisDescription, "parameters" | "needs" | "float64">;

/** Characters of a text that is written into a command at most: longer ones are files. */
const MOST_CHARACTERS = 100_000;

/** Whether some work is done without a model: a graph that a file has. */
export function isAlone({ analysis, texts }: Work): boolean {
  return analysis === "graph" && texts?.import !== undefined;
}

/**
 * The command that answers the same question, to be pasted into a shell. A text that the page has typed in comes from
 * standard input; of files that are too long for that, and of a plug-in, `FILE` stands for the place.
 */
export function commandOf(work: Work, { parameters, needs, float64 }: Known): string {
  const { analysis, model, values, dictionaries = [], precision, engine } = work;
  const given = parameters.flatMap((parameter) => {
    const value = values[parameter.name];
    return value === undefined ? [] : [{ parameter, value }];
  });
  const input = inputOf(work, parameters);
  const words = [
    ...["resolvent", analysis, ...(isAlone(work) ? [] : modelWords(model))],
    ...given.flatMap(({ parameter, value }) => (parameter.argument ? [quoted(String(value))] : [])),
    ...given.flatMap(({ parameter, value }) =>
      parameter.argument || parameter.name === input?.parameter ? [] : optionOf(parameter, value),
    ),
    ...Object.keys(work.texts ?? {}).flatMap((name) =>
      name === input?.parameter ? [] : [flagOf(name), "FILE"],
    ),
    ...(input === undefined
      ? []
      : [flagOf(input.parameter), input.text === undefined ? "FILE" : "-"]),
    ...(needs.includes("dictionary") && !isAlone(work)
      ? dictionaries.flatMap((name) => ["--dictionary", quoted(name)])
      : []),
    ...(engine === undefined ? [] : ["--engine", quoted(engine)]),
    ...(precision === "f32" ? [] : ["--precision", precision]),
    ...(work.float64 || !float64 ? [] : ["--no-float64"]),
    ...(isBuiltIn(analysis) ? [] : ["--plugin", "FILE"]),
  ];
  const line = words.join(" ");
  return input?.text === undefined ? line : `printf %s ${quoted(input.text)} | ${line}`;
}

/** The one text that comes from standard input: a file, or lines that an option would take for a file's name. */
function inputOf(
  { values, texts = {} }: Work,
  parameters: readonly Parameter[],
): { readonly parameter: string; readonly text: string | undefined } | undefined {
  const [[name, file] = []] = Object.entries(texts);
  const lines = parameters.find(
    ({ name: own, kind }) => kind === "jsonLines" && !/^\s*[{[]/.test(String(values[own] ?? "{")),
  );
  const parameter = name ?? lines?.name;
  if (parameter === undefined) return undefined;
  const text = file?.text ?? String(values[parameter]);
  return { parameter, text: text.length > MOST_CHARACTERS ? undefined : text };
}

/** A model as the command line names it: a commit of the Hub has an option of its own, dropped files any folder. */
function modelWords(model: string): string[] {
  const hub = hubModel(model);
  if (hub !== undefined) return [quoted(`hub:${hub.repo}`), "--revision", quoted(hub.revision)];
  return [isFilesName(model) ? "FOLDER" : quoted(model)];
}

/** `maxDegree` as `--max-degree`. */
function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function optionOf({ name, kind, default: preset }: Parameter, value: unknown): string[] {
  const option = flagOf(name);
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  switch (kind) {
    case "flag":
      // What is so anyway has no option.
      if (value === preset) return [];
      return value === true ? [option] : [option.replace("--", "--no-")];
    case "prompt":
      if (!Array.isArray(value)) return [option, quoted(String(value))];
      return [name === "prompt" ? "--tokens" : `${option}-tokens`, value.join(",")];
    case "prompts": {
      const texts = list.filter((one) => typeof one === "string");
      const ids = list.flatMap((one) => (Array.isArray(one) ? [one.join(",")] : []));
      return [
        ...(texts.length === 0 ? [] : [option, ...texts.map(quoted)]),
        ...(ids.length === 0 ? [] : [`${option}-tokens`, ...ids]),
      ];
    }
    case "token":
    case "tokens":
    case "target":
      return [option, quoted(list.map(tokenWord).join(","))];
    case "choices":
      return [option, list.length === 0 ? "none" : quoted(list.join(","))];
    case "siteVectors":
      return list.flatMap((one) => [option, quoted(`${Object(one).site}=FILE`)]);
    case "file":
    case "newFile":
    case "newFolder":
      return []; // a page gives none but by its text
    default:
      // Nothing of a list is its default.
      return list.length === 0 ? [] : [option, quoted(list.join(","))];
  }
}

function tokenWord(token: unknown): string {
  const name = token as TokenName; // of a parameter that takes such
  return typeof name === "number" ? `id:${name}` : tokenNotation(name);
}

/** A word of a shell; in quotes unless it is plain. */
function quoted(word: string): string {
  return /^[\w./:,@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
