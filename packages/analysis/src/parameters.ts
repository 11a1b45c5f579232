import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import { z } from "zod";
import type { Prompt } from "./subject.ts";

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
