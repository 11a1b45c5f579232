import { createHash } from "node:crypto";
import {
  corpusOf,
  type FoundModel,
  type Parameter,
  type TextFile,
  targetNames,
  textRows,
  type Values,
} from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import { lines } from "./lines.ts";

/** What of a command line says which prompts are swept. */
export interface SourceFiles {
  readonly corpus?: TextFile | undefined;
  readonly tokensFile?: TextFile | undefined;
  readonly prompts?: TextFile | undefined;
  readonly length?: number | undefined;
}

/** A prompt of a sweep. */
export interface SweepPrompt {
  /** Where it stands: the line of a file of prompts, from 1; null for pieces of a text or lists of ids. */
  readonly line: number | null;
  /** Its values by parameter name, the prompt and what its line says beside. @throws InputError `sweep/bad-prompt` */
  readonly values: () => Values;
}

/** Prompts that pass by, each time from the start and in the same order. */
export interface Source {
  readonly name: string;
  readonly prompts: () => AsyncGenerator<SweepPrompt>;
}

/** Kinds of parameters that a line may give: what is plain data in JSON, and opens no file. */
const IN_LINES: readonly Parameter["kind"][] = [
  ...(["flag", "text", "texts", "prompt", "prompts", "token", "tokens", "target"] as const),
  ...(["head", "node", "nodes", "number", "numbers", "layer", "position"] as const),
  ...(["choice", "choices"] as const),
];

/**
 * The prompts of a corpus: pieces of a text, lists of token ids, or the lines of a file of prompts.
 *
 * @throws InputError what `corpusOf` throws, `sweep/one-source`; from the prompts what reading them throws
 */
export function sourceOf(
  { prompts, ...files }: SourceFiles,
  parameters: readonly Parameter[],
  { outline, vocabulary }: FoundModel,
): Source {
  if (prompts !== undefined) {
    if (
      files.corpus !== undefined ||
      files.tokensFile !== undefined ||
      files.length !== undefined
    ) {
      throw new InputError({
        code: "sweep/one-source",
        message:
          "--prompts gives whole prompts; --corpus, --tokens-file and --length are of a corpus.",
        remedy: "Give one of --prompts, --corpus and --tokens-file.",
      });
    }
    return { name: prompts.name, prompts: () => promptLines(prompts, parameters) };
  }
  const corpus = corpusOf(files, outline.architecture, vocabulary);
  return {
    name: corpus.name,
    prompts: async function* () {
      for await (const ids of corpus.sequences()) {
        yield { line: null, values: () => ({ prompt: ids().slice(0, corpus.length) }) };
      }
    },
  };
}

/** The SHA-256 of a file's bytes, and how many prompts there are. */
export async function countPrompts(
  files: SourceFiles,
  parameters: readonly Parameter[],
  found: FoundModel,
  onPrompt: (count: number) => Promise<void>,
): Promise<{ readonly name: string; readonly sha256: string; readonly prompts: number }> {
  const hash = createHash("sha256");
  const hashed = (file: TextFile | undefined): TextFile | undefined =>
    file && {
      name: file.name,
      stream: async function* () {
        for await (const bytes of file.stream()) {
          hash.update(bytes);
          yield bytes;
        }
      },
    };
  const { corpus, tokensFile, prompts, length } = files;
  const read = { corpus: hashed(corpus), tokensFile: hashed(tokensFile), prompts: hashed(prompts) };
  const source = sourceOf({ ...read, length }, parameters, found);
  let count = 0;
  for await (const _ of source.prompts()) await onPrompt(++count);
  return { name: source.name, sha256: hash.digest("hex"), prompts: count };
}

/** Lines of prompts in any of the forms of `textRows`, which the first line shows; each is read where it is wanted. */
async function* promptLines(
  file: TextFile,
  parameters: readonly Parameter[],
): AsyncGenerator<SweepPrompt> {
  let form: string | undefined;
  for await (const { text, line } of lines(file)) {
    if (text.trim() === "") continue;
    const bad = (why: string): InputError => badPrompt(file, line, why);
    const columns = ["prompt", "target"];
    const before = form === undefined ? "" : `${form}\n`;
    const rows = (): ReturnType<typeof textRows> =>
      textRows(before + text, { columns, refuse: (_, why) => bad(why) });
    const isHeader = form === undefined && !isOneRow(rows);
    // What is wrong with a first line of JSON is its own matter.
    form ??= /^\s*[{[]/.test(text) ? "{}" : text;
    if (isHeader) continue;
    yield {
      line,
      values: () => {
        const row = rows().at(-1);
        if (row === undefined) throw bad("it is empty");
        return valuesOf(row, parameters, bad);
      },
    };
  }
}

/** Whether a first line is a prompt; one that is broken is, too, and is refused as such. */
function isOneRow(rows: () => readonly unknown[]): boolean {
  try {
    return rows().length === 1;
  } catch {
    return true;
  }
}

/** What a line says, by parameter name. */
function valuesOf(
  { fields, json }: ReturnType<typeof textRows>[number],
  parameters: readonly Parameter[],
  refuse: (why: string) => InputError,
): Values {
  const { target, ...others } = fields;
  for (const name of Object.keys(fields)) {
    const parameter = parameters.find((one) => one.name === name);
    if (parameter === undefined)
      throw refuse(`the analysis has no parameter ${JSON.stringify(name)}`);
    if (!IN_LINES.includes(parameter.kind)) throw refuse(`${name} is for the command line`);
  }
  if (fields.prompt === undefined) throw refuse("it has no prompt");
  const names = targetNames(target, { json, refuse });
  return { ...others, ...(names !== undefined && { target: names }) };
}

function badPrompt(file: TextFile, line: number, why: string): InputError {
  return new InputError({
    code: "sweep/bad-prompt",
    message: `${file.name}, line ${line}: ${why}.`,
    remedy:
      'A line is a prompt, or JSON like {"prompt": "…", "target": [" Mary", " John"]} with parameters of the analysis by name.',
    details: { file: file.name, line },
  });
}
