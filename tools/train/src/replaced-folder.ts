import { mkdir, rename, rm } from "node:fs/promises";
import { temporaryBeside } from "@resolvent/weights/node";

/**
 * Fills a folder that takes the place of the one that is there. It is written beside it, so that a run that ends early
 * leaves no half of it; of two at once the later one's stays.
 */
export async function replaceFolder(
  place: string,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  const fresh = temporaryBeside(place);
  const left = [fresh];
  try {
    await mkdir(fresh, { recursive: true });
    await fill(fresh);
    while (!(await moved(fresh, place, ["ENOTEMPTY", "EEXIST"]))) {
      const before = temporaryBeside(place);
      left.push(before);
      await moved(place, before, ["ENOENT"]); // another has moved it
    }
  } finally {
    for (const path of left) await rm(path, { recursive: true, force: true });
  }
}

/** Renames a folder; false where that fails by one of these codes. */
async function moved(from: string, to: string, codes: readonly string[]): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? "")) return false; // of the file system
    throw error;
  }
}
