import { type Warning, warningLines } from "@resolvent/analysis";
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
