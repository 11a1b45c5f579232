import { type FileHandle, link, lstat, open, rename, rm } from "node:fs/promises";
import { InputError, isInputError } from "@resolvent/tensor";
import { safetensorsChunks, type TensorToWrite, type WriteOptions } from "../write.ts";
import { systemCode } from "./file.ts";
import { flushing } from "./flushing.ts";
import { temporaryBeside } from "./temporary.ts";

export interface WriteFileOptions extends WriteOptions {
  /** Replace a file that is there; default false. */
  readonly overwrite?: boolean;
}

function fileExists(path: string): InputError {
  return new InputError({
    code: "weights/file-exists",
    message: `${path}: there is a file already.`,
    remedy: "Choose another name, or pass `overwrite: true`.",
    details: { path },
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** Gives the finished file its name: at once, and without replacing another unless that is wanted. */
async function publish(temporary: string, path: string, overwrite: boolean): Promise<void> {
  if (overwrite) return await rename(temporary, path);
  try {
    await link(temporary, path); // unlike rename, this fails where the name is taken meanwhile
  } catch {
    // The name is taken, or the file system has no links.
    if (await exists(path)) throw fileExists(path);
    await rename(temporary, path);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.byteLength) {
    const { bytesWritten } = await handle.write(
      bytes,
      at,
      Math.min(bytes.byteLength - at, 2 ** 30),
    );
    at += bytesWritten;
  }
}

/**
 * Writes a safetensors file, one tensor at a time (`bytes` may be functions), as `writePieces` does; it may be the
 * very file that the tensors are read from.
 *
 * Throws what `writePieces` and `safetensorsChunks` throw.
 */
export async function writeSafetensorsFile(
  path: string,
  tensors: readonly TensorToWrite[],
  options: WriteFileOptions = {},
): Promise<void> {
  await writePieces(path, safetensorsChunks(tensors, options), options);
}

/**
 * Writes a file, piece by piece: under a temporary name beside it, which becomes `path` when every byte is on the
 * disk. Whatever fails, `path` is as it was and the temporary file is gone.
 *
 * Throws `weights/file-exists` unless `overwrite`, `weights/unwritable`, and what the pieces throw.
 */
export async function writePieces(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  { overwrite = false, signal }: Pick<WriteFileOptions, "overwrite" | "signal"> = {},
): Promise<void> {
  const temporary = temporaryBeside(path);
  let handle: FileHandle | undefined;
  try {
    if (!overwrite && (await onDisk(path, exists(path)))) throw fileExists(path);
    handle = await onDisk(path, open(temporary, "wx"));
    const flush = flushing(handle);
    try {
      for await (const piece of pieces) {
        await onDisk(path, writeAll(handle, piece));
        flush.wrote(piece.byteLength);
      }
    } finally {
      await flush.idle(); // before the file is closed
    }
    signal?.throwIfAborted();
    await onDisk(path, flush.end());
    await onDisk(path, handle.close());
    await onDisk(path, publish(temporary, path, overwrite));
  } finally {
    await handle?.close().catch(() => {}); // closed already where all went well
    await rm(temporary, { force: true }).catch(() => {}); // what failed before matters more
  }
}

/** The result of work on the file; its errors are named, and those of the tensors' own functions are not touched. */
async function onDisk<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw isInputError(error) ? error : unwritable(path, error);
  }
}

function unwritable(path: string, cause: unknown): InputError {
  return new InputError({
    code: "weights/unwritable",
    message: `${path}: could not be written (${systemCode(cause)}).`,
    remedy: "Check that the folder exists, its permissions, and the free space.",
    details: { path, system: systemCode(cause) },
    cause,
  });
}
