import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { makeFolder, removeLeft } from "@resolvent/weights/node";
import { newFolder } from "../new-folder.ts";
import { unwritable } from "../place.ts";

/** Parts of a sweep: a folder each, which is there as a whole or not at all. */
export interface Parts {
  /** Those that are there, from 0. */
  readonly done: ReadonlySet<number>;
  /** Writes the files of a part, by name. */
  write(part: number, files: ReadonlyMap<string, Uint8Array>): Promise<void>;
}

/** Digits of a part's name at least: names in order are parts in order. */
const DIGITS = 8;

/** A part's folder. */
export function partFolder(folder: string, part: number): string {
  return join(folder, "parts", String(part).padStart(DIGITS, "0"));
}

/** The parts that are in a folder, in their order. */
export async function donePartsOf(folder: string): Promise<number[]> {
  const names = await readdir(join(folder, "parts")).catch(() => []);
  return names
    .filter((name) => /^\d{8,}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * Opens the parts of a sweep. What killed processes have left of a part that is `own` goes: of those of other shards, which
 * may be written on machines whose clocks are others, nothing is touched.
 *
 * @throws InputError `cli/unwritable`
 */
export async function openParts(folder: string, own: (part: number) => boolean): Promise<Parts> {
  const place = resolve(folder, "parts");
  try {
    await makeFolder(place);
    await removeLeft(place, (name) => /^\d{8,}$/.test(name) && own(Number(name)));
  } catch (cause) {
    throw unwritable(place, (cause as NodeJS.ErrnoException).code, cause); // of the file system
  }
  return {
    done: new Set(await donePartsOf(folder)),
    write: async (part, files) => {
      const path = partFolder(folder, part);
      try {
        const size = [...files.values()].reduce((sum, bytes) => sum + bytes.byteLength, 0);
        await newFolder("--out", path, "never", () => {}).write(async (write) => {
          for (const [name, bytes] of files) await write(name, once(bytes));
        }, size);
      } catch (error) {
        // The same shard was started twice: what the other has written is the same.
        if (!existsSync(path)) throw error;
      }
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
