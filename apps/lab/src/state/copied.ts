import type { Findings } from "@resolvent/analysis/remote";
import { commandOf } from "./copies.ts";
import type { Lab } from "./lab.svelte.ts";
import { linkOf, placeOfWork } from "./links.ts";
import { isBuiltIn } from "./lists.ts";
import { programOf } from "./program.ts";

/** How a question is passed on. */
export type Copy = "link" | "command" | "TypeScript";

/** What asks again what something answers: an address of this lab, a command, a program. */
export async function textOf(kind: Copy, lab: Lab, findings: Findings): Promise<string> {
  const asked = await lab.there.asked(findings);
  if (asked === undefined) throw new Error("It is not known what this was asked by.");
  const { work, analysis } = asked;
  if (kind === "command") return commandOf(work, analysis);
  if (kind === "link") {
    const link = await linkOf(placeOfWork(work, lab.answered), globalThis.location);
    if (link !== undefined) return link;
    throw new Error("The texts are too long for a link: copy the command.");
  }
  if (isBuiltIn(work.analysis)) return programOf(work, analysis);
  throw new Error(`No package is known that has ${work.analysis}: copy the command.`);
}
