import { readConfig } from "./families/index.ts";
import type { Architecture } from "./model.ts";

/** The architecture that a config.json describes. */
export function architectureOf(config: Readonly<Record<string, unknown>>): Architecture {
  return readConfig(config).architecture;
}
