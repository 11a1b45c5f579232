import { InputError } from "@resolvent/tensor";
import type { Parameter } from "./described.ts";

/** Names that mean the same for every analysis, and are none for parameters. */
const RESERVED: ReadonlySet<string> = new Set([
  ...["model", "revision", "offline", "tokens"],
  ...["precision", "engine", "threads", "stream", "maxMemory", "float64"],
  ...["format", "json", "output", "overwrite", "only", "sort", "filter", "html", "svg", "view"],
  "findings",
  ...["dictionary", "dryRun", "resume", "plugin", "trust", "help", "version"],
]);

/**
 * Refuses parameters that a host could not tell from its own options, or from each other.
 * @throws InputError `analysis/reserved-name`
 */
export function checkNames(analysis: string, parameters: readonly Parameter[]): void {
  const taken = new Map<string, string>();
  for (const { name, kind } of parameters) {
    if (RESERVED.has(name) || name in {}) {
      throw reserved(analysis, name, "which a host has an option of its own for");
    }
    // A prompt is given as text or as ids.
    const ids = kind === "prompt" || kind === "prompts" ? [`${name}Tokens`] : [];
    for (const one of [name, ...ids]) {
      const other = taken.get(one);
      if (other !== undefined) {
        throw reserved(analysis, name, `and ${other}, whose token ids are ${one}`);
      }
      taken.set(one, name);
    }
  }
}

function reserved(analysis: string, name: string, why: string): InputError {
  return new InputError({
    code: "analysis/reserved-name",
    message: `The analysis ${analysis} has a parameter ${name}, ${why}.`,
    remedy: "Give it another name.",
    details: { analysis, parameter: name },
  });
}
