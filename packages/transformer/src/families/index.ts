import { type Fields, fieldsOf, unsupported } from "../fields.ts";
import type { Family } from "./family.ts";
import { gptNeox } from "./gpt-neox.ts";
import { gpt2 } from "./gpt2.ts";
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
  transformer_lens: transformerLens,
};

/** The family that a config.json names, and its fields. */
export function familyOf(config: Readonly<Record<string, unknown>>): {
  family: Family;
  fields: Fields;
} {
  const name = config.model_type;
  const family =
    typeof name === "string" && Object.hasOwn(families, name) ? families[name] : undefined;
  if (family === undefined || typeof name !== "string") {
    throw unsupported("transformer", "model_type", name, Object.keys(families));
  }
  const fields = fieldsOf({ ...family.defaults?.[name], ...config }, name);
  fields.only("quantization_config", []);
  return { family, fields };
}
