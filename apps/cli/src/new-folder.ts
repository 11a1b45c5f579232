import { accessSync, constants, readdirSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { NewFolder } from "@resolvent/analysis";
import { InternalError, isInputError } from "@resolvent/tensor";
import { isFileName } from "@resolvent/weights";
import { temporaryBeside } from "@resolvent/weights/node";
import { usageError } from "./failure.ts";
import { isThere, STANDARD, statOf, unwritable } from "./place.ts";

/**
 * A folder that an analysis writes; `onSize` hears how large it gets before it is. Its files are written beside it first.
 * With `overwrite`, those of the same names are replaced, and others stay; where it is `never`, there may be no such folder.
 *
 * @throws InputError `cli/usage` for what is no folder, and for one with files in it; `cli/unwritable`
 */
export function newFolder(
  flag: string,
  path: string,
  overwrite: boolean | "never",
  onSize: (size: number) => void,
): NewFolder {
  checkFolder(flag, path, overwrite);
  const folder = resolve(path); // without a slash at its end
  return {
    name: path,
    path: folder,
    write: async (fill, size) => {
      onSize(size);
      const beside = temporaryBeside(folder);
      try {
        await inSystem(path, mkdir(beside));
        await fill(async (file, pieces) => await writeInto(path, beside, file, pieces));
        await inSystem(path, putInPlace(beside, folder, overwrite === true));
      } finally {
        await rm(beside, { recursive: true, force: true }).catch(() => {}); // what failed before matters more
      }
    },
  };
}

/** Refuses what cannot be written, before any work is done for it. */
function checkFolder(flag: string, path: string, overwrite: boolean | "never"): void {
  if (path === STANDARD || path === "") {
    throw usageError(`${flag} writes files, got "${path}".`, "Name a folder.");
  }
  const stats = statOf(path);
  if (stats !== undefined && !stats.isDirectory()) {
    throw usageError(`${flag}: ${path} is a file.`, "Name a folder.");
  }
  if (stats !== undefined && overwrite === "never") {
    throw usageError(`${path} is there already.`, "Name another folder: nothing is replaced.");
  }
  const above = dirname(resolve(path));
  try {
    if (statOf(above)?.isDirectory() === false) throw unwritable(path, "ENOTDIR");
    accessSync(above, constants.W_OK);
    if (stats === undefined) return;
    accessSync(path, constants.W_OK);
    if (!overwrite && readdirSync(path).length > 0) throw isThere(path);
  } catch (error) {
    if (isInputError(error)) throw error;
    throw unwritable(path, (error as NodeJS.ErrnoException).code, error); // of the file system
  }
}

async function writeInto(
  path: string,
  beside: string,
  file: string,
  pieces: AsyncIterable<Uint8Array>,
): Promise<void> {
  if (!isFileName(file)) {
    throw new InternalError({
      code: "cli/file-name",
      message: `An analysis writes a file of the name ${JSON.stringify(file)}.`,
      details: { file },
    });
  }
  const handle = await inSystem(path, open(join(beside, file), "wx"));
  try {
    for await (const piece of pieces) await inSystem(path, handle.writeFile(piece));
    await inSystem(path, handle.sync());
  } finally {
    await handle.close();
  }
}

/** At once where there is no such folder, or an empty one; else file by file, each by renaming. */
async function putInPlace(beside: string, folder: string, overwrite: boolean): Promise<void> {
  for (;;) {
    const there = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (there !== undefined && there.length > 0) {
      if (!overwrite) throw isThere(folder); // it was not when the work began
      for (const file of await readdir(beside))
        await rename(join(beside, file), join(folder, file));
      return;
    }
    try {
      if (there !== undefined) await rmdir(folder); // not every system renames onto an empty one
      return await rename(beside, folder);
    } catch (error) {
      // Another has made it, filled it or removed it since we looked: we look again.
      if (!since(there !== undefined, error)) throw error;
    }
  }
}

function since(wasThere: boolean, error: unknown): boolean {
  const { code = "" } = error as NodeJS.ErrnoException; // of the file system
  return ["ENOTEMPTY", "EEXIST"].includes(code) || (wasThere && code === "ENOENT");
}

/** What work on the file system gives; its errors are named. */
async function inSystem<V>(path: string, work: Promise<V>): Promise<V> {
  try {
    return await work;
  } catch (cause) {
    if (isInputError(cause)) throw cause;
    throw unwritable(path, (cause as NodeJS.ErrnoException).code, cause); // of the file system
  }
}
