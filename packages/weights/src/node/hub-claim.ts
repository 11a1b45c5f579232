import { constants } from "node:fs";
import { copyFile, readdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pause } from "../hub/retry.ts";
import { systemCode } from "./file.ts";
import { makeFolder } from "./make-folder.ts";
import { type Owner, ownedBy, ownedName, presenceOf } from "./owner.ts";

/** The kind of files that are being fetched. */
const KIND = "incomplete";

/** Time between two looks at a file that another process is fetching, in milliseconds. */
const LOOK_MS = 200;

/** A new name for an unfinished file of a blob, of this process or of nobody. */
export function partialName(etag: string, owned: boolean): string {
  return ownedName(etag, KIND, owned);
}

/** Who owns an unfinished file of a blob; undefined for names of other things. */
function ownerOf(name: string, etag: string): Owner | undefined {
  const owned = ownedBy(name);
  return owned?.stem === etag && owned.kind === KIND ? owned.owner : undefined;
}

/** Unfinished files of a blob. */
export async function partials(blobs: string, etag: string): Promise<string[]> {
  try {
    return (await readdir(blobs)).filter((name) => ownerOf(name, etag) !== undefined).sort();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** Unfinished files of a blob that others are at work on, and those that nobody is, the certainly dead ones first. */
async function others(
  blobs: string,
  etag: string,
  silentMs: number,
  mine?: string,
): Promise<{ readonly busy: boolean; readonly gone: string[]; readonly silent: string[] }> {
  const found = { busy: false, gone: [] as string[], silent: [] as string[] };
  for (const name of await partials(blobs, etag)) {
    const path = join(blobs, name);
    const owner = ownerOf(name, etag);
    const presence = path === mine || !owner ? undefined : await presenceOf(path, owner, silentMs);
    if (presence === "at work") found.busy = true;
    else if (presence !== undefined) found[presence].push(path);
  }
  return found;
}

/**
 * Takes over what a dead process has left; false where another was there first. It is touched before it has our name, so
 * that nobody takes us for one that has been silent for as long as the dead one.
 */
async function takeGone(path: string, mine: string): Promise<boolean> {
  const now = new Date();
  return await unlessGone(async () => {
    await utimes(path, now, now);
    await rename(path, mine); // one of many who try succeeds
  });
}

/** Takes over what is nobody's, unless its owner is asleep and writes to it again: we go on with a copy. */
async function takeSilent(path: string, mine: string): Promise<boolean> {
  try {
    return await unlessGone(async () => {
      await copyFile(path, mine, constants.COPYFILE_FICLONE);
      await rm(path, { force: true });
    });
  } catch (error) {
    await rm(mine, { force: true }).catch(() => {}); // what failed before matters more
    throw error;
  }
}

async function unlessGone(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** Lets go of an unfinished file: the next to come goes on with it. */
export async function letGo(path: string, etag: string): Promise<void> {
  await rename(path, join(dirname(path), partialName(etag, false))).catch(() => {}); // taken away meanwhile
}

/**
 * The path of an unfinished file of a blob that this process alone writes: a new one, or what a dead process has left.
 * Waits while another fetches the same; undefined as soon as the blob is here.
 *
 * A file of one's own first, then a look at what others have: of two at once the later one sees the earlier one, and
 * whoever sees another lets go. Only then a look for the blob: who has finished it had a file until then.
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
  for (let waited = false; ; waited = true) {
    signal?.throwIfAborted();
    if (waited) await pause(LOOK_MS * (0.5 + Math.random()), signal);
    const { busy, gone, silent } = await others(blobs, etag, silentMs);
    if (await isHere()) {
      await remove(gone);
      return undefined;
    }
    if (busy) continue;
    const mine = join(blobs, partialName(etag, true));
    const [dead] = gone;
    const [asleep] = silent;
    let taken = true;
    if (dead !== undefined) taken = await takeGone(dead, mine);
    else if (asleep !== undefined) taken = await takeSilent(asleep, mine);
    else await writeFile(mine, "", { flag: "wx" });
    if (!taken) continue;
    try {
      const now = await others(blobs, etag, silentMs, mine);
      const here = await isHere();
      // What more dead ones have left is of no use to anybody.
      if (here || !now.busy) await remove(here ? [mine, ...now.gone] : now.gone);
      else if (dead === undefined && asleep === undefined) await remove([mine]);
      else await letGo(mine, etag);
      if (here) return undefined;
      if (!now.busy) return mine;
    } catch (error) {
      await letGo(mine, etag);
      throw error;
    }
  }
}

async function remove(paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, { force: true });
}
