import type { Family } from "./family.ts";
import { gemma } from "./gemma.ts";
import { gptNeox } from "./gpt-neox.ts";
import { gpt2 } from "./gpt2.ts";
import { llama } from "./llama.ts";
import type { FamilyName } from "./loaded.ts";
import { familyOf, type ReadConfig, readWith } from "./read-config.ts";
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
} satisfies Readonly<Record<FamilyName, Family>>;

/**
 * The family that a config.json names, its fields, and what they describe; `loadConfig` is the same for whoever can wait.
 *
 * @throws InputError `transformer/unsupported-config`, `transformer/bad-config`
 */
export function readConfig(config: Readonly<Record<string, unknown>>): ReadConfig {
  return readWith(config, familyOf(config, families));
}
