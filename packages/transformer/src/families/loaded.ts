import type { Family } from "./family.ts";
import { familyOf, type ReadConfig, readWith } from "./read-config.ts";

/** A supported value of `model_type` in config.json. */
export type FamilyName =
  | ("gpt2" | "gpt_neox" | "llama" | "mistral" | "qwen2" | "qwen3")
  | ("gemma2" | "gemma3" | "gemma3_text" | "transformer_lens");

const llama = async (): Promise<Family> => (await import("./llama.ts")).llama;
const gemma = async (): Promise<Family> => (await import("./gemma.ts")).gemma;

/** The families, each of which is loaded when a model is of it. */
const LOADED: Readonly<Record<FamilyName, () => Promise<Family>>> = {
  gpt2: async () => (await import("./gpt2.ts")).gpt2,
  gpt_neox: async () => (await import("./gpt-neox.ts")).gptNeox,
  llama,
  mistral: llama,
  qwen2: llama,
  qwen3: llama,
  gemma2: gemma,
  gemma3: gemma,
  gemma3_text: gemma,
  transformer_lens: async () => (await import("./transformer-lens.ts")).transformerLens,
};

/**
 * The family that a config.json names, its fields, and what they describe; no other family is loaded.
 *
 * @throws InputError `transformer/unsupported-config`, `transformer/bad-config`
 */
export async function loadConfig(config: Readonly<Record<string, unknown>>): Promise<ReadConfig> {
  return readWith(config, await familyOf(config, LOADED)());
}
