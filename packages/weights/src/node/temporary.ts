import { readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { systemCode } from "./file.ts";
import { ownedBy, ownedName, presenceOf } from "./owner.ts";

/** The kind of what is written before it has its name. */
const KIND = "tmp";

/** Where a file or folder is written first: beside its place, under a name that says which process writes it. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), ownedName(`.${basename(path)}`, KIND, true));
}

/**
 * Removes what processes that are gone have left in a folder as they wrote something into it. What others are writing
 * stays.
 *
 * @param of whether what they wrote is ours to remove, by its name; default anything
 */
export async function removeLeft(
  folder: string,
  of: (name: string) => boolean = () => true,
): Promise<void> {
  for (const name of await readdir(folder)) {
    const owned = ownedBy(name);
    if (owned?.kind !== KIND || !owned.stem.startsWith(".")) continue;
    if (!of(owned.stem.slice(1))) continue;
    const path = join(folder, name);
    const presence = await presenceOf(path, owned.owner);
    if (presence === undefined || presence === "at work") continue;
    // Whoever was asleep and wakes up is to find nothing, and not half of a folder, that it gives its name.
    const ours = join(folder, ownedName(owned.stem, KIND, true));
    try {
      await rename(path, ours);
    } catch (error) {
      if (systemCode(error) === "ENOENT") continue; // another removes it
      throw error;
    }
    await rm(ours, { recursive: true, force: true });
  }
}
