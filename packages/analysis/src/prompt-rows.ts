import { InputError } from "@resolvent/tensor";
import type { Prompt } from "./subject.ts";
import { textRows } from "./text-rows.ts";
import { parseTokenNames, type TokenName } from "./token-notation.ts";

/** Rows of a file at most: each is run by itself, and kept in the result. */
export const ROWS_LIMIT = 4096;

/** A prompt of a file. */
export interface PromptRow {
  /** Where it stands in the file, from 1. */
  readonly line: number;
  readonly prompt: Prompt;
  /** Its own target, in place of the one for all. */
  readonly target?: readonly TokenName[];
}

/**
 * The prompts of a file: plain text with a prompt a line, JSON lines of `{"prompt": …, "target": […]}` or of lists of
 * token ids, or CSV with a header. Spaces count.
 *
 * @throws InputError `analysis/bad-prompts`, which names the line; `analysis/no-prompts`, `analysis/too-many-prompts`
 */
export function parsePromptRows(text: string): PromptRow[] {
  const rows = textRows(text, { columns: ["prompt", "target"], refuse: badPrompts });
  if (rows.length === 0) {
    throw new InputError({
      code: "analysis/no-prompts",
      message: "The file of prompts has no prompt.",
      remedy: "Give a prompt a line.",
    });
  }
  if (rows.length > ROWS_LIMIT) {
    throw new InputError({
      code: "analysis/too-many-prompts",
      message: `At most ${ROWS_LIMIT} prompts are run together, got ${rows.length}.`,
      remedy: "Take a part of them.",
      details: { limit: ROWS_LIMIT, got: rows.length },
    });
  }
  return rows.map(({ line, fields, json }) => {
    const { prompt, target, ...rest } = fields;
    const odd = Object.keys(rest)[0];
    if (odd !== undefined) throw badPrompts(line, `it has "${odd}", beside prompt and target`);
    if (!isPrompt(prompt)) throw badPrompts(line, '"prompt" is neither a text nor token ids');
    const names = targetNames(target, { json, refuse: (why) => badPrompts(line, why) });
    return { line, prompt, ...(names !== undefined && { target: names }) };
  });
}

/** Whether a field is a prompt. */
export function isPrompt(value: unknown): value is string | number[] {
  if (typeof value === "string") return value !== "";
  return Array.isArray(value) && value.length > 0 && value.every(isId);
}

/**
 * The tokens of a field `target`: one or two, in JSON a token or a list of them, in a text written as on a command line;
 * undefined where there is none. `refuse` makes the error.
 */
export function targetNames(
  target: unknown,
  { json, refuse }: { readonly json: boolean; readonly refuse: (why: string) => InputError },
): readonly TokenName[] | undefined {
  if (target === undefined || target === null) return undefined;
  const written = !json && typeof target === "string" ? parseTokenNames(target) : target;
  const names: readonly unknown[] = [written].flat();
  if (names.length < 1 || names.length > 2) {
    throw refuse(`"target" is one token or two, got ${names.length}`);
  }
  if (!names.every(isTokenName)) {
    throw refuse('"target" has something that is neither a text nor a token id');
  }
  return names;
}

function isTokenName(value: unknown): value is TokenName {
  return typeof value === "string" ? value !== "" : isId(value);
}

const isId = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 0;

function badPrompts(line: number, why: string): InputError {
  return new InputError({
    code: "analysis/bad-prompts",
    message: `Prompts${line === 0 ? "" : `, line ${line}`}: ${why}.`,
    remedy:
      'A file of prompts is plain text with a prompt a line, JSON lines like {"prompt": "…", "target": [" Mary", " John"]}, or CSV with the header prompt,target.',
    details: { line },
  });
}
