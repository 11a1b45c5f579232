import * as z from "zod";
import type { NewFile, TextFile } from "./file.ts";
import type { Prompt } from "./subject.ts";
import type { TokenName } from "./token-notation.ts";

const prompt = z.union([z.string(), z.array(z.int().min(0)).readonly()]).meta({ format: "prompt" });

/**
 * A parameter that is a prompt: a text or its token ids. A command line offers `--NAME TEXT` and ids
 * (`--tokens` for `prompt`, `--NAME-tokens` for others), and reads a required `prompt` from standard input
 * where neither is given. Schemas of other libraries mark such a parameter by JSON Schema's
 * `format: "prompt"`.
 */
export function promptParameter(description: string): z.ZodType<Prompt, Prompt> {
  return prompt.meta({ format: "prompt", description });
}

/**
 * A parameter that is a list of prompts, none by default: `--NAME TEXT TEXT` on a command line. Schemas of other
 * libraries have an array whose entries are of `format: "prompt"`.
 */
export function promptsParameter(
  description: string,
): z.ZodType<readonly Prompt[], readonly Prompt[] | undefined> {
  return z.array(prompt).readonly().default([]).meta({ description });
}

const token = z.union([z.string().min(1), z.int().min(0)]).meta({ format: "token" });

/**
 * A parameter that is a token: its id as a number, or its text. A command line reads `--NAME TEXT` and
 * `--NAME id:346` by `parseTokenNames`. Schemas of other libraries mark such a parameter by `format: "token"`.
 */
export function tokenParameter(description: string): z.ZodType<TokenName, TokenName> {
  return token.meta({ format: "token", description });
}

/**
 * A parameter that is a list of tokens: `--NAME " Mary","a,b",id:346` on a command line. Schemas of other libraries
 * have an array whose entries are of `format: "token"`.
 */
export function tokensParameter(
  description: string,
): z.ZodType<readonly TokenName[], readonly TokenName[]> {
  return z.array(token).readonly().meta({ description });
}

/**
 * A parameter that is the text of a file of JSON lines, for what is too long for a command line: `--NAME FILE`, `-`
 * for standard input, or the lines themselves, which begin with `{` or `[`. It may be left out. Schemas of other
 * libraries mark such a text by JSON Schema's `format: "json-lines"`.
 */
export function jsonLinesParameter(
  description: string,
): z.ZodType<string | undefined, string | undefined> {
  return z.string().optional().meta({ format: "json-lines", title: "file", description });
}

/** The parameter `target` of analyses: one token or two. */
export const targetParameter: z.ZodOptional<z.ZodType<readonly TokenName[], readonly TokenName[]>> =
  tokensParameter("")
    .refine(
      ({ length }) => length === 1 || length === 2,
      "Expected one token, or two: the logit of the first minus that of the second",
    )
    .optional()
    .meta({
      title: "a,b",
      description:
        "tokens (text or id:N) whose logit difference at the last position is explained, or one for its logit; default: the two likeliest",
    });

/**
 * A parameter that is a file: `--NAME FILE` on a command line, which checks that it can be read and hands it over
 * unread. It may be left out. Schemas of other libraries mark such a parameter by JSON Schema's `format: "file"`.
 */
export function fileParameter(
  description: string,
): z.ZodType<TextFile | undefined, TextFile | undefined> {
  // What passes the check is a TextFile, which JSON Schema has no type for.
  return z.unknown().refine(isFile, "Expected a file").optional().meta({
    format: "file",
    description,
    title: "file",
  }) as z.ZodType<TextFile | undefined, TextFile | undefined>;
}

/**
 * A parameter that is a file to write: `--NAME FILE` on a command line, which refuses a file that is there already
 * before any work is done, unless `--overwrite` is given. For what is too large for a result, or of a format of its
 * own. It may be left out. Schemas of other libraries mark such a parameter by JSON Schema's `format: "new-file"`.
 */
export function newFileParameter(
  description: string,
): z.ZodType<NewFile | undefined, NewFile | undefined> {
  // What passes the check is a NewFile, which JSON Schema has no type for.
  return z.unknown().refine(isNewFile, "Expected a file to write").optional().meta({
    format: "new-file",
    description,
    title: "file",
  }) as z.ZodType<NewFile | undefined, NewFile | undefined>;
}

function isNewFile(value: unknown): boolean {
  const { name, write } = Object(value); // of what has no fields, none
  return typeof name === "string" && typeof write === "function";
}

function isFile(value: unknown): boolean {
  const { name, stream } = Object(value); // of what has no fields, none
  return typeof name === "string" && typeof stream === "function";
}
