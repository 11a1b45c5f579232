import { z } from "zod";
import type { Prompt } from "./subject.ts";

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
