import { constants } from "node:fs";
import { copyFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pause } from "../hub/retry.ts";
import { systemCode } from "./file.ts";
import { lifeOf, ownerOf, partialName } from "./hub-owner.ts";
import { makeFolder } from "./make-folder.ts";

/** Time without a sign of life, in milliseconds, after which a writer on another machine counts as gone. */
export const SILENT_MS = 60_000;

/** The same for a process that this machine has, but that may be asleep, or another with a used number. */
const ASLEEP_MS = 600_000;

/** Time between two looks at a file that another process is fetching, in milliseconds. */
const LOOK_MS = 200;

/** Unfinished files of a blob. */
export async function partials(blobs: string, etag: string): Promise<string[]> {
  try {
    return (await readdir(blobs)).filter((name) => ownerOf(name, etag) !== undefined).sort();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** How long ago a file was written to; undefined where it is gone. */
async function silence(path: string): Promise<number | undefined> {
  try {
    return Date.now() - (await stat(path)).mtimeMs;
  } catch {
    return undefined;
  }
}

/** Takes an unfinished file over, if it may be: its new name, "wait" if somebody is at work, undefined if gone. */
async function take(
  blobs: string,
  name: string,
  etag: string,
  silentMs: number,
): Promise<string | "wait" | undefined> {
  const path = join(blobs, name);
  const owner = ownerOf(name, etag);
  const silent = await silence(path);
  if (owner === undefined || silent === undefined) return undefined;
  const life = lifeOf(owner);
  const mine = join(blobs, partialName(etag, true));
  try {
    if (life === "gone") {
      await rename(path, mine); // one of many who try succeeds
      return mine;
    }
    if (silent < (life === "alive" ? Math.max(ASLEEP_MS, silentMs) : silentMs)) return "wait";
    // Perhaps it is asleep and will write again: into a file that is nobody's any more. We go on with a copy.
    await copyFile(path, mine, constants.COPYFILE_FICLONE);
    await rm(path, { force: true });
    return mine;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** The path of a new unfinished file, or undefined where another process began at the same moment. */
async function create(blobs: string, etag: string): Promise<string | undefined> {
  const name = partialName(etag, true);
  await writeFile(join(blobs, name), "", { flag: "wx" });
  if ((await partials(blobs, etag)).every((other) => other === name)) return join(blobs, name);
  await rm(join(blobs, name), { force: true });
  return undefined;
}

/**
 * The path of an unfinished file of a blob that this process alone writes: a new one, or what a dead process has left.
 * Waits while another fetches the same; undefined as soon as the blob is here.
 */
export async function claim(
  blobs: string,
  etag: string,
  {
    isHere,
    silentMs,
    signal,
  }: {
    readonly isHere: () => Promise<boolean>;
    readonly silentMs: number;
    readonly signal: AbortSignal | undefined;
  },
): Promise<string | undefined> {
  await makeFolder(blobs);
  for (;;) {
    signal?.throwIfAborted();
    if (await isHere()) return undefined;
    let busy = false;
    let mine: string | undefined;
    for (const name of await partials(blobs, etag)) {
      const taken = await take(blobs, name, etag, silentMs);
      if (taken === "wait") busy = true;
      else if (taken !== undefined) {
        mine = taken;
        break;
      }
    }
    if (mine === undefined && !busy) mine = await create(blobs, etag);
    if (mine !== undefined) {
      // Another may have finished after we looked for the blob and before we looked for its unfinished files.
      if (!(await isHere())) return mine;
      await rm(mine, { force: true });
      return undefined;
    }
    await pause(LOOK_MS * (busy ? 1 : Math.random()), signal);
  }
}
