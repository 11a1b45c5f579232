import { type Fields, fieldsOf, unsupported } from "../fields.ts";
import type { Architecture } from "../model.ts";
import type { Warning } from "../warning.ts";
import type { Family } from "./family.ts";
import { gemma } from "./gemma.ts";
import { gptNeox } from "./gpt-neox.ts";
import { gpt2 } from "./gpt2.ts";
import { checkKeys } from "./keys.ts";
import { llama } from "./llama.ts";
import { transformerLens } from "./transformer-lens.ts";

/** The supported values of `model_type` in config.json. */
export const families: Readonly<Record<string, Family>> = {
  gpt2,
  gpt_neox: gptNeox,
  llama,
  mistral: llama,
  qwen2: llama,
  qwen3: llama,
  gemma2: gemma,
  gemma3: gemma,
  gemma3_text: gemma,
  transformer_lens: transformerLens,
};

/** A config.json, read. */
export interface ReadConfig {
  readonly family: Family;
  readonly fields: Fields;
  readonly architecture: Architecture;
  /** What of it is left out. */
  readonly warnings: readonly Warning[];
}

/**
 * The family that a config.json names, its fields, and what they describe.
 *
 * @throws InputError `transformer/unsupported-config`, `transformer/bad-config`
 */
export function readConfig(config: Readonly<Record<string, unknown>>): ReadConfig {
  const name = config.model_type;
  const family =
    typeof name === "string" && Object.hasOwn(families, name) ? families[name] : undefined;
  const keys = typeof name === "string" ? family?.keys[name] : undefined;
  if (family === undefined || keys === undefined || typeof name !== "string") {
    throw unsupported("transformer", "model_type", name, Object.keys(families));
  }
  const own = family.textConfig?.(config) ?? config;
  const fields = fieldsOf(own, name, {
    aliases: family.aliases?.[name] ?? {},
    defaults: family.defaults?.[name] ?? {},
  });
  const architecture = family.architecture(fields);
  const warnings = [
    ...checkKeys(own, fields, keys, architecture),
    ...(family.doubts?.(fields) ?? []),
  ];
  return { family, fields, architecture, warnings };
}
