import { toRegExp } from "oniguruma-to-es";
import type { Config } from "./config.ts";
import { assembled } from "./pipeline.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * A tokenizer from the contents of tokenizer.json and tokenizer_config.json.
 *
 * @throws InputError `transformer/bad-tokenizer` for what cannot be used, by its name
 */
export function tokenizerOf(json: unknown, config: Config = {}): Tokenizer {
  return assembled(json, config, toRegExp);
}
