import { type FileHandle, open, rename, rm, utimes } from "node:fs/promises";
import { InputError, isInputError } from "@resolvent/tensor";
import type { PartialBlob } from "../hub/cache.ts";
import type { HubBlob } from "../hub/names.ts";
import { allocate } from "../source.ts";
import { systemCode } from "./file.ts";
import { letGo } from "./hub-claim.ts";
import { HEARTBEAT_MS } from "./owner.ts";

/** Bytes that arrive in a piece before the record says so: what a killed process has to fetch again. */
const RECORD_EVERY = 1024 * 1024;

/** Names what goes wrong on a disk. */
export function onDisk(path: string, cause: unknown): InputError {
  if (isInputError(cause)) return cause;
  const code = systemCode(cause);
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new InputError({
    code: full ? "weights/hub-disk-full" : "weights/unwritable",
    message: full
      ? `${path}: the disk is full (${code}).`
      : `${path}: could not be written (${code ?? String(cause)}).`,
    remedy: full
      ? "Make room, or choose another cache folder (HF_HUB_CACHE): what has arrived is kept."
      : "Check the permissions of the cache folder, or choose another one (HF_HUB_CACHE).",
    details: { path, system: code },
    cause,
  });
}

/** The result of work on the disk; its errors are named. */
export async function disk<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw onDisk(path, error);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let i = 0; i < bytes.byteLength; ) {
    const { bytesWritten } = await handle.write(bytes, i, bytes.byteLength - i, at + i);
    i += bytesWritten;
  }
}

async function readAll(handle: FileHandle, out: Uint8Array, at: number): Promise<number> {
  let i = 0;
  while (i < out.byteLength) {
    const { bytesRead } = await handle.read(out, i, out.byteLength - i, at + i);
    if (bytesRead === 0) break;
    i += bytesRead;
  }
  return i;
}

/**
 * Where the record says how much of each piece is there. It stands behind the bytes of the file and is cut off when
 * they have been checked: four bytes a piece, and four with the length of a piece.
 */
interface RecordLayout {
  readonly pieces: number;
  readonly bytes: number;
}

function layoutOf(size: number, pieceBytes: number): RecordLayout {
  const pieces = Math.ceil(size / pieceBytes);
  return { pieces, bytes: 4 * (pieces + 1) };
}

/** Bytes of each piece, from the record of an unfinished file; undefined where it has none that fits. */
export async function readRecord(
  handle: FileHandle,
  blob: HubBlob,
  pieceBytes: number,
): Promise<Uint32Array | undefined> {
  const layout = layoutOf(blob.size, pieceBytes);
  const { size } = await handle.stat();
  const lengths = new Uint32Array(layout.pieces);
  const lengthOf = (piece: number): number => Math.min(pieceBytes, blob.size - piece * pieceBytes);
  if (size === blob.size) return lengths.map((_, piece) => lengthOf(piece)); // checked and cut, not yet named
  if (size !== blob.size + layout.bytes) return undefined;
  const record = new Uint8Array(layout.bytes);
  if ((await readAll(handle, record, blob.size)) !== record.byteLength) return undefined;
  const view = new DataView(record.buffer);
  if (view.getUint32(4 * layout.pieces, true) !== pieceBytes) return undefined;
  for (let piece = 0; piece < layout.pieces; piece++) {
    lengths[piece] = view.getUint32(4 * piece, true);
    if ((lengths[piece] as number) > lengthOf(piece)) return undefined;
  }
  return lengths;
}

/**
 * An unfinished file of ours, its name saying so already: continued where its record fits the blob, else begun
 * anew. It becomes `target`.
 */
export async function openPartial(
  path: string,
  target: string,
  blob: HubBlob,
  pieceBytes: number,
): Promise<PartialBlob> {
  const { pieces, bytes: recordBytes } = layoutOf(blob.size, pieceBytes);
  const fs = async <T>(work: Promise<T>): Promise<T> => await disk(target, work);
  const handle = await fs(open(path, "r+")).catch(async (error: unknown) => {
    await letGo(path, blob.etag); // else all others would wait for us
    throw error;
  });
  const lengths = new Uint32Array(pieces);
  const recorded = new Uint32Array(pieces);
  let ended = false;

  const writeRecord = async (piece: number): Promise<void> => {
    recorded[piece] = lengths[piece] as number; // piece is one of them
    const word = new Uint8Array(4);
    new DataView(word.buffer).setUint32(0, recorded[piece], true);
    await writeAll(handle, word, blob.size + 4 * piece);
  };
  const begin = async (): Promise<void> => {
    await handle.truncate(0); // what is there becomes zeros, the record too
    await handle.truncate(blob.size + recordBytes);
    const word = new Uint8Array(4);
    new DataView(word.buffer).setUint32(0, pieceBytes, true);
    await writeAll(handle, word, blob.size + 4 * pieces);
    lengths.fill(0);
    recorded.fill(0);
  };
  const start = async (): Promise<void> => {
    const known = await readRecord(handle, blob, pieceBytes);
    if (known === undefined) return await begin();
    lengths.set(known);
    await handle.truncate(blob.size + recordBytes);
    const word = new Uint8Array(4);
    new DataView(word.buffer).setUint32(0, pieceBytes, true);
    await writeAll(handle, word, blob.size + 4 * pieces);
    for (let piece = 0; piece < pieces; piece++) await writeRecord(piece);
  };
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {}); // taken away, or finished meanwhile
  }, HEARTBEAT_MS);
  beat.unref();
  const end = async (): Promise<void> => {
    ended = true;
    clearInterval(beat);
    await handle.close().catch(() => {});
  };
  try {
    await fs(start());
  } catch (error) {
    await end();
    await letGo(path, blob.etag);
    throw error;
  }

  return {
    pieceBytes,
    filled: (piece) => lengths[piece] ?? 0,
    append: async (piece, bytes) => {
      const before = lengths[piece] as number; // the caller names pieces that there are
      await fs(writeAll(handle, bytes, piece * pieceBytes + before));
      const now = before + bytes.byteLength;
      lengths[piece] = now;
      const whole = now === Math.min(pieceBytes, blob.size - piece * pieceBytes);
      if (whole || now - (recorded[piece] as number) >= RECORD_EVERY) await fs(writeRecord(piece));
    },
    read: async (from, to) => {
      const out = allocate(to - from, target);
      await fs(readAll(handle, out, from));
      return out;
    },
    restart: async () => await fs(begin()),
    finish: async () => {
      await fs(handle.truncate(blob.size));
      await fs(handle.sync()); // on the disk before it has the name, so that a power cut cannot leave less
      await end();
      try {
        await rename(path, target);
        return true;
      } catch (error) {
        if (systemCode(error) === "ENOENT") return false;
        await rm(path, { force: true }).catch(() => {});
        throw onDisk(target, error);
      }
    },
    discard: async () => {
      await end();
      await fs(rm(path, { force: true }));
    },
    close: async () => {
      if (ended) return;
      for (let piece = 0; piece < pieces; piece++) {
        if (recorded[piece] !== lengths[piece]) await writeRecord(piece).catch(() => {});
      }
      await end();
      await letGo(path, blob.etag);
    },
  };
}
