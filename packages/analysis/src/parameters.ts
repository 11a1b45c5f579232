import * as z from "zod";
import type { NewFile, TextFile } from "./file.ts";
import type { SiteVector } from "./site-vector.ts";
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

/** Which whole numbers a parameter takes, and what stands for one in help texts. */
interface Count {
  /** Default 0. */
  readonly least?: number;
  /** Default any. */
  readonly most?: number;
  readonly title?: string;
}

/** A parameter that is a whole number; `preset` where nothing is given. */
export function countParameter(
  description: string,
  preset: number,
  count: Count = {},
): z.ZodDefault<z.ZodInt> {
  return countOf(count).default(preset).meta({ title: count.title, description });
}

/** The same that may be left out. */
export function optionalCount(description: string, count: Count = {}): z.ZodOptional<z.ZodInt> {
  return countOf(count).optional().meta({ title: count.title, description });
}

function countOf({ least = 0, most = Number.MAX_SAFE_INTEGER }: Count): z.ZodInt {
  return z.int().min(least).max(most);
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
      format: "target",
      title: "a,b",
      description:
        "tokens (text or id:N) whose logit difference at the last position is explained, or one for its logit; default: the two likeliest",
    });

/** A parameter that is a head, by its name: `--NAME L1.H5`. Schemas of other libraries: `format: "head"`. */
export function headParameter(description: string): z.ZodString {
  return z.string().meta({ format: "head", description });
}

/** A parameter that is a list of nodes, by names or patterns; none by default. Others: entries of `format: "node"`. */
export function nodesParameter(
  description: string,
): z.ZodDefault<z.ZodReadonly<z.ZodArray<z.ZodString>>> {
  return z
    .array(z.string().meta({ format: "node" }))
    .readonly()
    .default([])
    .meta({ title: "names", description });
}

/** A parameter that is a layer, from 0; it may be left out. Schemas of other libraries: `format: "layer"`. */
export function layerParameter(description: string): z.ZodOptional<z.ZodInt> {
  return optionalCount(description).meta({ format: "layer", title: "l", description });
}

/** A parameter that is a position, from 0; it may be left out. Schemas of other libraries: `format: "position"`. */
export function positionParameter(description: string): z.ZodOptional<z.ZodInt> {
  return optionalCount(description).meta({ format: "position", title: "pos", description });
}

/**
 * A parameter that is a file: `--NAME FILE` on a command line, which checks that it can be read and hands it over
 * unread. It may be left out. Schemas of other libraries mark such a parameter by JSON Schema's `format: "file"`.
 */
export function fileParameter(
  description: string,
): z.ZodType<TextFile | undefined, TextFile | undefined> {
  return objectParameter("file", "stream", "Expected a file", description);
}

/**
 * A parameter that is a file to write: `--NAME FILE` on a command line, which refuses a file that is there already
 * before any work is done, unless `--overwrite` is given. For what is too large for a result, or of a format of its
 * own. It may be left out. Schemas of other libraries mark such a parameter by JSON Schema's `format: "new-file"`.
 */
export function newFileParameter(
  description: string,
): z.ZodType<NewFile | undefined, NewFile | undefined> {
  return objectParameter("new-file", "write", "Expected a file to write", description);
}

/** What passes the check has a name and the method; JSON Schema has no type for that. */
function objectParameter<V>(
  format: string,
  method: string,
  fault: string,
  description: string,
): z.ZodType<V | undefined, V | undefined> {
  const passes = (value: unknown): boolean => {
    const fields = Object(value); // of what has no fields, none
    return typeof fields.name === "string" && typeof fields[method] === "function";
  };
  const schema = z.unknown().refine(passes, fault).optional();
  const described = schema.meta({ format, description, title: "file" });
  return described as z.ZodType<V | undefined, V | undefined>;
}

/**
 * A parameter that is a list of vectors for sites, none by default: `--NAME SITE=FILE`, `--NAME SITE=FILE:SCALE` on a
 * command line, as often as there are vectors, where FILE is a JSON array or safetensors of one tensor. Schemas of other
 * libraries have an array whose entries are of `format: "site-vector"`.
 */
export function siteVectorsParameter(
  description: string,
): z.ZodType<readonly SiteVector[], readonly SiteVector[] | undefined> {
  const one = z
    .object({
      site: z.string(),
      vector: z.array(z.number()).readonly(),
      scale: z.number().optional(),
    })
    .meta({ format: "site-vector" });
  return z.array(one).readonly().default([]).meta({ title: "site=file", description });
}
