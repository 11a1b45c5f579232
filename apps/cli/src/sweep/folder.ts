import { accessSync, constants, readdirSync } from "node:fs";
import { isInputError } from "@resolvent/tensor";
import { makeFolder } from "@resolvent/weights/node";
import { usageError } from "../failure.ts";
import { STANDARD, statOf, unwritable } from "../place.ts";
import { PLAN_FILE } from "./plan.ts";

/**
 * Makes the folder of a sweep, or finds that one is there that is a sweep's.
 *
 * @throws InputError `cli/usage` for what is no folder, and for one with files that are no sweep's; `cli/unwritable`
 */
export async function openSweepFolder(path: string): Promise<void> {
  if (path === STANDARD || path === "") {
    throw usageError(`--out writes files, got "${path}".`, "Name a folder.");
  }
  const stats = statOf(path);
  if (stats !== undefined && !stats.isDirectory()) {
    throw usageError(`--out: ${path} is a file.`, "Name a folder.");
  }
  try {
    await makeFolder(path);
    accessSync(path, constants.W_OK);
    const names = readdirSync(path);
    // Another shard may be about to write what is swept.
    const odd = names.find((name) => name !== "parts" && !name.startsWith(`.${PLAN_FILE}.`));
    if (names.includes(PLAN_FILE) || odd === undefined) return;
    throw usageError(
      `${path} has files that are no sweep's, such as ${odd}.`,
      "Name a new folder.",
    );
  } catch (error) {
    if (isInputError(error)) throw error;
    throw unwritable(path, (error as NodeJS.ErrnoException).code, error); // of the file system
  }
}
