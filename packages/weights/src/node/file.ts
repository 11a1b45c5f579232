import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  open,
  openSync,
  read,
  readSync,
  statSync,
} from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { InputError, isInputError } from "@resolvent/tensor";
import { type Folder, isFileName } from "../folder.ts";
import { READ_PIECE_BYTES } from "../limits.ts";
import { allocate, type ByteSource, checkRange, type ReadOptions, truncated } from "../source.ts";

/** The `code` of a system error: `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

function unreadable(path: string, cause: unknown): InputError {
  const code = systemCode(cause);
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new InputError({
      code: "weights/no-file",
      message: `${path}: there is no such file.`,
      remedy: "Check the path.",
      details: { path },
      cause,
    });
  }
  return new InputError({
    code: "weights/unreadable",
    message: `${path}: could not be read (${code ?? String(cause)}).`,
    remedy: "Check the file's permissions and the disk.",
    details: { path, system: code },
    cause,
  });
}

const [openPart, readPart] = [promisify(open), promisify(read)];

/** To read; to open a pipe does not wait until somebody writes. */
const AT_ONCE = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** A file that was changed so shortly ago may change again within the steps of the file system's clock. */
const SETTLED_MS = 2000;

/** What tells whether a path still leads to the same, unchanged file. */
async function identify(path: string): Promise<BigIntStats> {
  try {
    return aFile(path, await stat(path, { bigint: true }));
  } catch (error) {
    throw isInputError(error) ? error : unreadable(path, error);
  }
}

function aFile(path: string, found: BigIntStats): BigIntStats {
  if (found.isFile()) return found;
  throw new InputError({
    code: "weights/not-a-file",
    message: `${path}: is ${found.isDirectory() ? "a folder" : "a device or pipe"}, not a file.`,
    remedy: found.isDirectory()
      ? "Open a folder with `openCheckpoint(folderOf(path))`."
      : "Copy the bytes to a file first.",
    details: { path },
  });
}

/** How many bytes there were: fewer where the file has shrunk. */
async function readFrom(
  file: number,
  start: number,
  out: Uint8Array,
  options?: ReadOptions,
): Promise<number> {
  let at = 0;
  while (at < out.byteLength) {
    options?.signal?.throwIfAborted();
    const length = Math.min(READ_PIECE_BYTES, out.byteLength - at);
    const { bytesRead } = await readPart(file, out, at, length, start + at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return at;
}

/**
 * A local file. It is opened for each read and closed after it, so there is nothing to close and no handle to
 * leak; a file that is replaced or changed after the first use is noticed.
 *
 * Throws, when it is read, `weights/no-file`, `weights/not-a-file`, `weights/unreadable`, `weights/source-changed`.
 */
export function fileSource(path: string): ByteSource {
  let known: BigIntStats | undefined;

  function check(now: BigIntStats): number {
    known ??= now;
    if (
      known.ino !== now.ino ||
      known.dev !== now.dev ||
      known.size !== now.size ||
      known.mtimeNs !== now.mtimeNs
    ) {
      throw new InputError({
        code: "weights/source-changed",
        message: `${path}: changed while it was being read (${known.size} bytes before, ${now.size} now).`,
        remedy: "Open it again.",
        details: { path, before: Number(known.size), now: Number(now.size) },
      });
    }
    return Number(now.size);
  }

  async function opened<T>(
    start: number,
    end: number,
    options: ReadOptions | undefined,
    use: (file: number) => Promise<T>,
  ): Promise<T> {
    let file: number | undefined;
    try {
      // What is open is asked and closed at once, which takes less than to be told of it later.
      file = await openPart(path, AT_ONCE);
      const size = check(aFile(path, fstatSync(file, { bigint: true })));
      checkRange(path, start, end, size);
      return await use(file);
    } catch (error) {
      options?.signal?.throwIfAborted();
      throw isInputError(error) ? error : unreadable(path, error);
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  return {
    name: path,
    size: async () => check(await identify(path)),
    identity: async () => {
      const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = await identify(path);
      if (Date.now() - Number(ctimeMs) < SETTLED_MS) return undefined;
      return [dev, ino, size, mtimeNs, ctimeNs].join(":");
    },
    read: async (start, end, options) =>
      await opened(start, end, options, async (file) => {
        const out = allocate(end - start, path);
        return out.subarray(0, await readFrom(file, start, out, options)); // fewer: the reader says so
      }),
    readInto: async (start, into, options) => {
      const end = start + into.byteLength;
      const got = await opened(
        start,
        end,
        options,
        async (file) => await readFrom(file, start, into, options),
      );
      if (got < into.byteLength) throw truncated(path, end, start + got);
    },
    readNow: (start, end) => {
      let handle: number | undefined;
      try {
        check(aFile(path, statSync(path, { bigint: true })));
        handle = openSync(path, "r");
        const size = check(fstatSync(handle, { bigint: true }));
        checkRange(path, start, end, size);
        const out = allocate(end - start, path);
        let at = 0;
        while (at < out.byteLength) {
          const length = Math.min(READ_PIECE_BYTES, out.byteLength - at);
          const got = readSync(handle, out, at, length, start + at);
          if (got === 0) return out.subarray(0, at); // the file has shrunk: the reader says so
          at += got;
        }
        return out;
      } catch (error) {
        throw isInputError(error) ? error : unreadable(path, error);
      } finally {
        if (handle !== undefined) closeSync(handle);
      }
    },
  };
}

/** A local folder. Links are followed, as in the Hugging Face cache, whose files are links. */
export function folderOf(path: string): Folder {
  return {
    name: path,
    open: async (file, options) => {
      options?.signal?.throwIfAborted();
      if (!isFileName(file)) return undefined;
      const source = fileSource(join(path, file));
      try {
        await source.size();
        return source;
      } catch (error) {
        if (isInputError(error) && error.code === "weights/no-file") return undefined;
        throw error;
      }
    },
    inside: (folder) => folderOf(join(path, folder)),
  };
}
