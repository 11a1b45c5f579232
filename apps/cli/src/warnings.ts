import {
  type Prompt,
  type Result,
  type Subject,
  soundnessOf,
  type Warning,
  warningLines,
} from "@resolvent/analysis";
import type { Shaped } from "@resolvent/tensor";
import { firstNotFiniteSite } from "@resolvent/transformer";
import type { Terminal } from "./terminal.ts";

/** Says warnings on standard error, each once. */
export function warner(
  terminal: Pick<Terminal, "note" | "progress">,
): (warnings: readonly Warning[]) => void {
  const said = new Set<string>();
  return (warnings) => {
    for (const line of warningLines(warnings)) {
      if (said.has(line)) continue;
      said.add(line);
      terminal.progress("");
      terminal.note(line);
    }
  };
}

/** What is to be said of a result that a model gave: the model's own warnings, and of numbers that are not finite. */
export async function warningsAbout<T extends Shaped>(
  result: Result,
  { engine, model, vocabulary }: Pick<Subject<T>, "engine" | "model" | "vocabulary">,
  params: unknown,
): Promise<readonly Warning[]> {
  const { warnings = [] } = model;
  if (soundnessOf(result).notFinite.length === 0) return warnings;
  // Where no weight explains it, the run that made it is looked at; all analyses call their text `prompt`.
  const { prompt } = params as { readonly prompt?: Prompt };
  const explained = warnings.some(({ code }) => code === "not-finite");
  const site =
    explained || prompt === undefined
      ? undefined
      : await firstNotFiniteSite(engine, model, vocabulary.encode(prompt));
  if (site === undefined) return warnings;
  const message = `The first site of the run that is not finite is ${site}.`;
  return [...warnings, { code: "not-finite-site", message }];
}
