import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import {
  copyFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Hasher, HubCache, HubFile, PartialBlob } from "../hub/cache.ts";
import { cacheName, type HubBlob, isCommit } from "../hub/names.ts";
import { pause } from "../hub/retry.ts";
import { folderOf, systemCode } from "./file.ts";
import { lifeOf, ownerOf, partialName } from "./hub-owner.ts";
import { disk, openPartial, readRecord } from "./hub-partial.ts";

/** Bytes in a piece: long enough that asking for it costs little, short enough that several go side by side. */
const PIECE_BYTES = 32 * 1024 * 1024;

/** Time without a sign of life, in milliseconds, after which a writer on another machine counts as gone. */
const SILENT_MS = 60_000;

/** The same for a process that this machine has, but that may be asleep, or another with a used number. */
const ASLEEP_MS = 600_000;

/** Time between two looks at a file that another process is fetching, in milliseconds. */
const LOOK_MS = 200;

export interface NodeCacheOptions {
  readonly pieceBytes?: number;
  readonly silentMs?: number;
  /** Makes a link; another in tests of file systems without links. */
  readonly symlink?: (target: string, path: string) => Promise<void>;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch {
    return undefined;
  }
}

function hasher(algorithm: "sha1" | "sha256"): Hasher {
  const hash = createHash(algorithm);
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    hex: () => hash.digest("hex"),
  };
}

/**
 * The cache of a repository on a disk, in the layout that huggingface_hub and others share (Hugging Face,
 * "Hub Local Cache"): `blobs/<etag>`, `snapshots/<commit>/<file>` linked to them, `refs/<revision>`,
 * `.no_exist/<commit>/<file>`.
 *
 * Its locks (`flock` on files under `.locks`) cannot be had from Node. Instead nothing is shared that could be
 * harmed: each process fills an unfinished file of its own, whose name says who owns it, and a file that is checked
 * takes its name at once. Other processes of ours see the owner and wait; what a dead one has left is taken over by
 * renaming it, which only one can.
 */
export function nodeCache(root: string, repo: string, options: NodeCacheOptions = {}): HubCache {
  const pieceBytes = options.pieceBytes ?? PIECE_BYTES;
  const silentMs = options.silentMs ?? SILENT_MS;
  const link = options.symlink ?? symlink;
  const home = join(root, cacheName(repo));
  const blobs = join(home, "blobs");
  const blobPath = (etag: string): string => join(blobs, etag);
  const filePath = (commit: string, file: string): string => join(home, "snapshots", commit, file);
  const refPath = (revision: string): string => join(home, "refs", ...revision.split("/"));
  const absentPath = (commit: string, file: string): string =>
    join(home, ".no_exist", commit, file);
  const isWhole = async ({ etag, size }: HubBlob): Promise<boolean> =>
    (await sizeOf(blobPath(etag))) === size;

  /** Makes something under a name that means nothing yet, then gives it its own. */
  async function placed(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
    const temporary = join(blobs, `${randomUUID()}.incomplete`);
    await mkdir(blobs, { recursive: true });
    await mkdir(dirname(path), { recursive: true });
    try {
      await make(temporary);
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true }).catch(() => {});
    }
  }

  async function place({ commit, file, blob }: HubFile): Promise<boolean> {
    const path = filePath(commit, file);
    if ((await sizeOf(path)) === blob.size) return true;
    if (!(await isWhole(blob))) return false;
    try {
      const target = join("..", "..", "blobs", blob.etag);
      await placed(path, async (temporary) => await link(target, temporary));
    } catch {
      // A file system without links: then the file itself has the name, as in huggingface_hub.
      await disk(path, rename(blobPath(blob.etag), path));
    }
    return true;
  }

  /** Unfinished files of a blob. */
  async function partials(etag: string): Promise<string[]> {
    try {
      return (await readdir(blobs)).filter((name) => ownerOf(name, etag) !== undefined).sort();
    } catch (error) {
      if (systemCode(error) === "ENOENT") return [];
      throw error;
    }
  }

  /** How long ago a file was written to; undefined where it is gone. */
  async function silence(name: string): Promise<number | undefined> {
    try {
      return Date.now() - (await stat(join(blobs, name))).mtimeMs;
    } catch {
      return undefined;
    }
  }

  /** Takes an unfinished file over, if it may be: its new name, "wait" if somebody is at work, undefined if gone. */
  async function take(name: string, etag: string): Promise<string | "wait" | undefined> {
    const owner = ownerOf(name, etag);
    const silent = await silence(name);
    if (owner === undefined || silent === undefined) return undefined;
    const life = lifeOf(owner);
    const mine = join(blobs, partialName(etag, true));
    try {
      if (life === "gone") {
        await rename(join(blobs, name), mine); // one of many who try succeeds
        return mine;
      }
      if (silent < (life === "alive" ? Math.max(ASLEEP_MS, silentMs) : silentMs)) return "wait";
      // Perhaps it is asleep and will write again: into a file that is nobody's any more. We go on with a copy.
      await copyFile(join(blobs, name), mine, constants.COPYFILE_FICLONE);
      await rm(join(blobs, name), { force: true });
      return mine;
    } catch (error) {
      if (systemCode(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  /** The name of a new unfinished file, or undefined where another process began at the same moment. */
  async function create(etag: string): Promise<string | undefined> {
    const name = partialName(etag, true);
    await writeFile(join(blobs, name), "", { flag: "wx" });
    if ((await partials(etag)).every((other) => other === name)) return join(blobs, name);
    await rm(join(blobs, name), { force: true });
    return undefined;
  }

  async function claim(file: HubFile, signal?: AbortSignal): Promise<string | undefined> {
    const { etag } = file.blob;
    await mkdir(blobs, { recursive: true });
    for (;;) {
      signal?.throwIfAborted();
      if ((await sizeOf(filePath(file.commit, file.file))) === file.blob.size) return undefined;
      if (await isWhole(file.blob)) return undefined;
      let busy = false;
      for (const name of await partials(etag)) {
        const taken = await take(name, etag);
        if (taken === "wait") busy = true;
        else if (taken !== undefined) return taken;
      }
      const path = busy ? undefined : await create(etag);
      if (path !== undefined) return path;
      await pause(LOOK_MS * (busy ? 1 : Math.random()), signal);
    }
  }

  return {
    name: root,
    commitOf: async (revision) => {
      const text = await readFile(refPath(revision), "utf8").catch(() => "");
      return isCommit(text.trim()) ? text.trim() : undefined;
    },
    setCommit: async (revision, commit) => {
      const path = refPath(revision);
      if ((await readFile(path, "utf8").catch(() => "")) === commit) return;
      await disk(
        path,
        placed(path, async (temporary) => await writeFile(temporary, commit)),
      );
    },
    open: async (commit, file, readOptions) =>
      await folderOf(dirname(filePath(commit, file))).open(file, readOptions),
    isAbsent: async (commit, file) => (await sizeOf(absentPath(commit, file))) !== undefined,
    setAbsent: async (commit, file) => {
      const path = absentPath(commit, file);
      await disk(path, mkdir(dirname(path), { recursive: true }));
      await disk(path, writeFile(path, ""));
    },
    link: place,
    started: async (blob) => {
      if (await isWhole(blob)) return blob.size;
      let most = 0;
      for (const name of await partials(blob.etag)) {
        const handle = await open(join(blobs, name), "r").catch(() => undefined);
        const lengths =
          handle && (await readRecord(handle, blob, pieceBytes).catch(() => undefined));
        await handle?.close();
        most = Math.max(most, lengths?.reduce((a, b) => a + b, 0) ?? 0);
      }
      return most;
    },
    free: async () => {
      await disk(root, mkdir(root, { recursive: true }));
      const { bavail, bsize } = await disk(root, statfs(root));
      return bavail * bsize;
    },
    begin: async (file, signal): Promise<PartialBlob | undefined> => {
      const path = await claim(file, signal).catch((error: unknown) => {
        signal?.throwIfAborted();
        return disk(blobs, Promise.reject(error));
      });
      if (path === undefined) return undefined;
      return await openPartial(path, blobPath(file.blob.etag), file.blob, pieceBytes);
    },
    sha1: () => hasher("sha1"),
    sha256: () => hasher("sha256"),
  };
}
