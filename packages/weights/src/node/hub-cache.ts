import { createHash, randomUUID } from "node:crypto";
import { open, readFile, rename, rm, stat, statfs, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Hasher, HubCache, HubFile, PartialBlob } from "../hub/cache.ts";
import { cacheName, type HubBlob, isCommit } from "../hub/names.ts";
import { folderOf, systemCode } from "./file.ts";
import { claim, partials } from "./hub-claim.ts";
import { disk, onDisk, openPartial, readRecord } from "./hub-partial.ts";
import { makeFolder } from "./make-folder.ts";
import { SILENT_MS } from "./owner.ts";

/** Bytes in a piece: long enough that asking for it costs little, short enough that several go side by side. */
const PIECE_BYTES = 32 * 1024 * 1024;

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
  const { silentMs = SILENT_MS } = options;
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
    await makeFolder(blobs);
    await makeFolder(dirname(path));
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
      const up = file.split("/").map(() => ".."); // a file may lie in folders
      const target = join("..", ...up, "blobs", blob.etag);
      await placed(path, async (temporary) => await link(target, temporary));
    } catch {
      // A file system without links: then the file itself has the name, as in huggingface_hub.
      try {
        await rename(blobPath(blob.etag), path);
      } catch (error) {
        // Another has given it this name meanwhile, or that of a file with the same bytes.
        if ((await sizeOf(path)) === blob.size) return true;
        if (systemCode(error) === "ENOENT" && !(await isWhole(blob))) return false;
        throw onDisk(path, error);
      }
    }
    return true;
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
      await folderOf(dirname(filePath(commit, file))).open(basename(file), readOptions),
    isAbsent: async (commit, file) => (await sizeOf(absentPath(commit, file))) !== undefined,
    setAbsent: async (commit, file) => {
      const path = absentPath(commit, file);
      await disk(path, makeFolder(dirname(path)));
      await disk(path, writeFile(path, ""));
    },
    link: place,
    started: async (blob) => {
      if (await isWhole(blob)) return blob.size;
      let most = 0;
      for (const name of await partials(blobs, blob.etag)) {
        const handle = await open(join(blobs, name), "r").catch(() => undefined);
        const lengths =
          handle && (await readRecord(handle, blob, pieceBytes).catch(() => undefined));
        await handle?.close();
        most = Math.max(most, lengths?.reduce((a, b) => a + b, 0) ?? 0);
      }
      return most;
    },
    free: async () => {
      await disk(root, makeFolder(root));
      const { bavail, bsize } = await disk(root, statfs(root));
      return bavail * bsize;
    },
    begin: async (file, signal): Promise<PartialBlob | undefined> => {
      const { commit, blob } = file;
      // In the order in which it moves where there are no links: nobody sees it in neither place.
      const isHere = async (): Promise<boolean> =>
        (await isWhole(blob)) || (await sizeOf(filePath(commit, file.file))) === blob.size;
      const path = await claim(blobs, blob.etag, { isHere, silentMs, signal }).catch(
        (error: unknown) => {
          signal?.throwIfAborted();
          return disk(blobs, Promise.reject(error));
        },
      );
      if (path === undefined) return undefined;
      return await openPartial(path, blobPath(blob.etag), blob, pieceBytes);
    },
    sha1: () => hasher("sha1"),
    sha256: () => hasher("sha256"),
  };
}
