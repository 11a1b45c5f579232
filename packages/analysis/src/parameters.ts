import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import { z } from "zod";
import type { Prompt } from "./subject.ts";
import type { TokenName } from "./token-notation.ts";

/**
 * Parameters as a schema that checks values (Standard Schema) and describes itself as JSON Schema of 2020-12
 * (Standard JSON Schema): one of zod 4.2 or later, ArkType, or Valibot with its converter. An object with one
 * property for each parameter; descriptions and defaults are what users read in help texts, a `title` is what
 * stands for the value there.
 */
export interface Parameters<P> {
  readonly "~standard": StandardSchemaV1.Props<unknown, P> & StandardJSONSchemaV1.Props<unknown, P>;
}

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
