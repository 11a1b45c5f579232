import type { Parameter } from "@resolvent/analysis";
import { usageError } from "./failure.ts";
import type { OutputOptions } from "./output.ts";
import { calledOf } from "./parameter-options.ts";
import { checkApart, checkPlace, type Place, STANDARD } from "./place.ts";

/** Files that a command writes beside its result. */
export interface EndOptions {
  readonly html?: string;
  readonly svg?: string;
  readonly findings?: string;
  /** Which view goes to `svg`. */
  readonly view?: string;
  readonly resume?: string;
}

/**
 * Refuses places that cannot be written, and places that are written twice.
 *
 * @param given all options by attribute name, those of parameters among them
 * @throws InputError what `checkPlace` and `checkApart` throw; `cli/usage`
 */
export function checkPlaces(
  parameters: readonly Parameter[],
  flags: EndOptions & OutputOptions,
  given: Readonly<Record<string, unknown>>,
): void {
  const { output, html, svg, findings, resume, overwrite = false } = flags;
  if (html !== undefined && html !== STANDARD) checkPlace("--html", html, overwrite);
  if (svg !== undefined && svg !== STANDARD) checkPlace("--svg", svg, overwrite);
  if (findings !== undefined && findings !== STANDARD)
    checkPlace("--findings", findings, overwrite);
  if (flags.view !== undefined && svg === undefined) {
    throw usageError("--view chooses what goes to a file.", "Add --svg FILE.");
  }
  if (resume === STANDARD) {
    throw usageError("--resume keeps its work in a file.", "Give the name of one.");
  }
  // What is there is unfinished work, which it goes on with.
  if (resume !== undefined) checkPlace("--resume", resume, true, { beside: true });
  const places = (kind: "file" | "newFile" | "newFolder"): Place[] =>
    parameters.flatMap((parameter) => {
      const path = given[parameter.name];
      if (parameter.kind !== kind || typeof path !== "string") return [];
      return [{ flag: calledOf(parameter), path }];
    });
  const named = (flag: string, path: string | undefined): Place[] =>
    path === undefined ? [] : [{ flag, path }];
  checkApart(
    [
      // Without a file the result goes to standard output.
      ...named("--output", output ?? STANDARD),
      ...named("--html", html),
      ...named("--svg", svg),
      ...named("--findings", findings),
      ...named("--resume", resume),
      // That these are not written there is said where they are opened.
      ...places("newFile").filter(({ path }) => path !== STANDARD),
      ...places("newFolder"),
    ],
    places("file"),
  );
}
