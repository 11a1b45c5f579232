import { InputError, isInputError } from "@resolvent/tensor";
import { type ByteSource, checkRange } from "../source.ts";
import type { HubCache, HubFile } from "./cache.ts";
import { hashers } from "./hasher.ts";
import { cacheName, type HubBlob, isCommit } from "./names.ts";
import { partialBlob, partsOf, readPieces, WHOLE } from "./opfs-partial.ts";
import {
  type Directory,
  ifThere,
  readText,
  stored,
  unstorable,
  writeText,
} from "./opfs-storage.ts";
import { HUB_STORE, repoLock } from "./private-storage.ts";

/**
 * Bytes in one stored piece. Pieces stay apart for good: storage of the origin has no way to join files, and a
 * piece that is written becomes visible as a whole when its stream is closed, so that an interrupted tab loses
 * at most those under way.
 */
const OPFS_PIECE_BYTES = 8 * 1024 * 1024;

function blobSource(
  folder: Directory,
  name: string,
  blob: HubBlob,
  pieceBytes: number,
): ByteSource {
  const unreadable = (start: number, end: number, cause: unknown): InputError =>
    new InputError({
      code: "weights/unreadable",
      message: `${name}: bytes ${start} to ${end} could not be read from the browser's storage.`,
      remedy: "The storage may have been cleared: fetch the model again.",
      details: { name, start, end },
      cause,
    });
  return {
    name,
    size: async () => blob.size,
    read: async (start, end, options) => {
      options?.signal?.throwIfAborted();
      checkRange(name, start, end, blob.size);
      try {
        return await readPieces(folder, name, partsOf(pieceBytes, start, end));
      } catch (cause) {
        throw isInputError(cause) ? cause : unreadable(start, end, cause);
      }
    },
    elsewhere: {
      parts: (start, end) => {
        checkRange(name, start, end, blob.size);
        return partsOf(pieceBytes, start, end).map((part) => ({ folder, ...part }));
      },
      check: ({ start, end }, { failure }) => {
        if (failure !== undefined) throw unreadable(start, end, failure);
      },
    },
  };
}

/**
 * Holds a name for this tab, alone or with others that share it, until it is released; the browser releases it for a tab
 * that dies.
 */
async function lock(
  name: string,
  mode: LockMode,
  signal: AbortSignal | undefined,
): Promise<() => void> {
  return await new Promise((resolve, reject) => {
    const hold = async (): Promise<void> =>
      await new Promise<void>((release) => {
        resolve(release);
      });
    navigator.locks.request(name, { mode, ...(signal && { signal }) }, hold).catch(reject);
  });
}

/**
 * The cache of a repository in the browser's private storage (OPFS), the same in tabs and workers:
 *
 * ```
 * resolvent-hub/models--owner--name/
 *   blobs/<etag>/0, 1, …   pieces; `whole` when all are there and checked
 *   snapshots/<commit>/<file>   etag and size
 *   refs/<revision>   a commit
 *   no_exist/<commit>/<file>   empty
 * ```
 */
export function opfsCache(
  root: Directory,
  repo: string,
  options: { readonly pieceBytes?: number } = {},
): HubCache {
  const name = "the browser's storage";
  const ownPieceBytes = options.pieceBytes ?? OPFS_PIECE_BYTES;
  const folderAt = async (
    path: readonly string[],
    create: boolean,
  ): Promise<Directory | undefined> => {
    const work = async (): Promise<Directory> => {
      let folder = root;
      for (const part of [HUB_STORE, cacheName(repo), ...path]) {
        folder = await folder.getDirectoryHandle(part, { create });
      }
      return folder;
    };
    return await ifThere(work());
  };
  const made = async (path: readonly string[]): Promise<Directory> =>
    (await stored(name, folderAt(path, true))) as Directory; // created where it was not there
  /** The folders and the name of a file that may lie in folders. */
  const within = (path: readonly string[], file: string): readonly [string[], string] => {
    const parts = file.split("/");
    return [[...path, ...parts.slice(0, -1)], parts.at(-1) ?? file];
  };
  const write = async (path: readonly string[], file: string, text: string): Promise<void> => {
    const [folders, own] = within(path, file);
    await stored(
      name,
      made(folders).then((folder) => writeText(folder, own, text)),
    );
  };
  const read = async (path: readonly string[], file: string): Promise<string | undefined> => {
    const [folders, own] = within(path, file);
    return await readText(await folderAt(folders, false), own);
  };
  const wholePieces = async (etag: string): Promise<number | undefined> => {
    const pieceBytes = Number((await read(["blobs", etag], WHOLE)) ?? "");
    return Number.isSafeInteger(pieceBytes) && pieceBytes > 0 ? pieceBytes : undefined;
  };
  const sizesOf = async (blob: HubBlob): Promise<Map<number, number>> => {
    const sizes = new Map<number, number>();
    const folder = await folderAt(["blobs", blob.etag], false);
    const count = Math.ceil(blob.size / ownPieceBytes);
    for (let piece = 0; folder !== undefined && piece < count; piece++) {
      const handle = await ifThere(folder.getFileHandle(String(piece)));
      const size = handle === undefined ? 0 : (await handle.getFile()).size;
      const length = Math.min(ownPieceBytes, blob.size - piece * ownPieceBytes);
      if (size > 0) sizes.set(piece, size > length ? 0 : size);
    }
    return sizes;
  };

  return {
    name,
    commitOf: async (revision) => {
      const commit = await read(["refs"], encodeURIComponent(revision));
      return isCommit(commit) ? commit : undefined;
    },
    setCommit: async (revision, commit) =>
      await write(["refs"], encodeURIComponent(revision), commit),
    open: async (commit, file) => {
      const text = await read(["snapshots", commit], file);
      const [etag, size] = text?.split(" ") ?? [];
      if (etag === undefined || size === undefined) return undefined;
      const pieceBytes = await wholePieces(etag);
      const folder = await folderAt(["blobs", etag], false);
      if (pieceBytes === undefined || folder === undefined) return undefined;
      return blobSource(folder, `${repo}/${file}`, { etag, size: Number(size) }, pieceBytes);
    },
    isAbsent: async (commit, file) => (await read(["no_exist", commit], file)) !== undefined,
    setAbsent: async (commit, file) => await write(["no_exist", commit], file, ""),
    link: async ({ commit, file, blob }) => {
      if ((await wholePieces(blob.etag)) === undefined) return false;
      await write(["snapshots", commit], file, `${blob.etag} ${blob.size}`);
      return true;
    },
    started: async (blob) => {
      if ((await wholePieces(blob.etag)) !== undefined) return blob.size;
      return [...(await sizesOf(blob)).values()].reduce((a, b) => a + b, 0);
    },
    free: async () => {
      const { quota, usage } = await navigator.storage.estimate();
      return quota === undefined ? undefined : Math.max(0, quota - (usage ?? 0));
    },
    begin: async ({ file, blob }: HubFile, signal) => {
      const stays = await lock(repoLock(repo), "shared", signal);
      let own: (() => void) | undefined;
      const release = (): void => {
        own?.();
        stays();
      };
      try {
        own = await lock(`${repoLock(repo)}/${blob.etag}`, "exclusive", signal);
        if ((await wholePieces(blob.etag)) !== undefined) {
          release();
          return undefined;
        }
        const folder = await made(["blobs", blob.etag]);
        const sizes = await sizesOf(blob);
        return partialBlob(folder, `${repo}/${file}`, blob.size, ownPieceBytes, sizes, release);
      } catch (error) {
        release();
        throw unstorable(name, error);
      }
    },
    ...hashers,
  };
}
