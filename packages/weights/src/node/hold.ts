import { readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pause } from "../hub/retry.ts";
import { systemCode } from "./file.ts";
import { makeFolder } from "./make-folder.ts";
import { HEARTBEAT_MS, ownedBy } from "./owner.ts";
import { removeLeft, temporaryBeside } from "./temporary.ts";

/** What the file is about that says that a folder is held. */
const HELD = "held";

/** How often it is tried: of those that come at one moment, none may have it the first time. */
const TRIES = 5;

/** Time between two tries, in milliseconds, about. */
const AGAIN_MS = 100;

/**
 * Holds a folder, which is made where it is not there, among all processes that ask for it so; those of a machine that
 * has died, or that show no sign of life for ten minutes, hold it no longer.
 *
 * Whoever asks leaves a file of its own, `.held.<owner>.tmp`, and then looks for those of others: of two the later one
 * sees the earlier one.
 *
 * @returns what lets go of it; undefined where another has it
 */
export async function holdFolder(folder: string): Promise<(() => Promise<void>) | undefined> {
  for (let tries = 1; ; tries++) {
    const own = temporaryBeside(join(folder, HELD));
    try {
      await makeFolder(folder);
      await writeFile(own, "", { flag: "wx" });
      await removeLeft(folder, (name) => name === HELD);
      const holds = await holdsIn(folder);
      if (holds.length === 1 && holds[0] === own) return heldBy(own);
      await rm(own, { force: true });
      if (tries === TRIES) return undefined;
    } catch (error) {
      await rm(own, { force: true }).catch(() => {}); // what failed before matters more
      // Whoever had it has ended, and removed it.
      if (systemCode(error) !== "ENOENT" || tries === TRIES) throw error;
    }
    await pause(AGAIN_MS * (0.5 + Math.random()));
  }
}

/** The files that say that a folder is held; ours is not among them where whoever had it has removed all that was in it. */
async function holdsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter(isHold).map((name) => join(folder, name));
}

/** Whether a file in a folder says by its name that the folder is held. */
export function isHold(name: string): boolean {
  return ownedBy(name)?.stem === `.${HELD}`;
}

/** Shows signs of life until it is let go of. */
function heldBy(own: string): () => Promise<void> {
  const beat = setInterval(() => {
    const now = new Date();
    utimes(own, now, now).catch(() => {}); // the folder is gone
  }, HEARTBEAT_MS);
  beat.unref();
  return async () => {
    clearInterval(beat);
    await rm(own, { force: true });
  };
}
