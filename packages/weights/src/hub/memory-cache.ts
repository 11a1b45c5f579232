import { allocate, blobSource } from "../source.ts";
import type { HubCache, HubFile, PartialBlob } from "./cache.ts";
import { hashers } from "./hasher.ts";
import type { HubBlob } from "./names.ts";

/** Bytes of one piece: a request each. */
const PIECE_BYTES = 8 * 1024 * 1024;

/** A cache that ends with whoever holds it. */
export interface MemoryCache extends HubCache {
  /** The files of a commit that are here, by name. */
  files(commit: string): ReadonlyMap<string, Blob>;
}

/** The cache of one repository in memory: for where nothing can be stored, or not so much. */
export function memoryCache(repo: string): MemoryCache {
  const blobs = new Map<string, Blob>();
  const named = new Map<string, Map<string, Blob>>();
  const absent = new Set<string>();
  const commits = new Map<string, string>();
  const name = ({ commit, file, blob }: HubFile, bytes: Blob): void => {
    blobs.set(blob.etag, bytes);
    const files = named.get(commit) ?? new Map<string, Blob>();
    named.set(commit, files.set(file, bytes));
  };
  return {
    name: "this page's memory",
    commitOf: async (revision) => commits.get(revision),
    setCommit: async (revision, commit) => void commits.set(revision, commit),
    open: async (commit, file) => {
      const blob = named.get(commit)?.get(file);
      return blob && blobSource(blob, `${repo}/${file}`);
    },
    isAbsent: async (commit, file) => absent.has(`${commit}/${file}`),
    setAbsent: async (commit, file) => void absent.add(`${commit}/${file}`),
    link: async (file) => {
      const there = blobs.get(file.blob.etag);
      if (there !== undefined) name(file, there);
      return there !== undefined;
    },
    started: async ({ etag }) => blobs.get(etag)?.size ?? 0,
    free: async () => undefined,
    begin: async (file) =>
      partialInMemory(`${repo}/${file.file}`, file.blob, (bytes) => name(file, bytes)),
    ...hashers,
    files: (commit) => named.get(commit) ?? new Map(),
  };
}

function partialInMemory(
  name: string,
  { size }: HubBlob,
  finish: (bytes: Blob) => void,
): PartialBlob {
  const pieces = new Map<number, { readonly bytes: Uint8Array<ArrayBuffer>; filled: number }>();
  const forget = async (): Promise<void> => pieces.clear();
  return {
    pieceBytes: PIECE_BYTES,
    filled: (piece) => pieces.get(piece)?.filled ?? 0,
    append: async (piece, bytes) => {
      const length = Math.min(PIECE_BYTES, size - piece * PIECE_BYTES);
      const own = pieces.get(piece) ?? { bytes: allocate(length, name), filled: 0 };
      own.bytes.set(bytes, own.filled);
      own.filled += bytes.byteLength;
      pieces.set(piece, own);
    },
    read: async (start, end) => {
      const out = allocate(end - start, name);
      for (let at = start; at < end; ) {
        const piece = Math.floor(at / PIECE_BYTES);
        const inside = at - piece * PIECE_BYTES;
        const count = Math.min(end - at, PIECE_BYTES - inside);
        const there = pieces.get(piece)?.bytes.subarray(inside, inside + count);
        if (there !== undefined) out.set(there, at - start);
        at += count;
      }
      return out;
    },
    restart: forget,
    finish: async () => {
      const inOrder = [...pieces].sort(([a], [b]) => a - b).map(([, { bytes }]) => bytes);
      finish(new Blob(inOrder));
      await forget();
      return true;
    },
    discard: forget,
    close: forget,
  };
}
