import { accessSync, constants, createReadStream, statSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { deserialize, serialize } from "node:v8";
import type { Checkpoint, NewFile, TextFile } from "@resolvent/analysis";
import { InputError, isInputError } from "@resolvent/tensor";
import { removeLeft, writePieces } from "@resolvent/weights/node";
import { usageError } from "./failure.ts";
import { checkPlace, isDevice, isThere, STANDARD, statOf, unwritable } from "./place.ts";

/**
 * Standard input as a file. It is read once, when it is first asked for.
 *
 * @param read all of it, or undefined where nobody pipes anything in
 */
export function standardInput(read: () => Promise<Uint8Array | undefined>): TextFile {
  let bytes: Promise<Uint8Array | undefined> | undefined;
  return {
    name: "standard input",
    stream: async function* () {
      bytes ??= read();
      const all = await bytes;
      if (all === undefined) {
        throw usageError("Nobody pipes anything in.", "Name a file, or pipe one: < FILE.");
      }
      yield all;
    },
  };
}

/**
 * A file that an analysis reads as it comes by.
 * @throws InputError `cli/unreadable`
 */
export function textFile(path: string): TextFile {
  let passes = false;
  try {
    const found = statSync(path);
    if (found.isDirectory()) {
      throw unreadable(path, "EISDIR");
    }
    passes = !found.isFile();
    accessSync(path, constants.R_OK);
  } catch (error) {
    if (isInputError(error)) throw error;
    throw unreadable(path, (error as NodeJS.ErrnoException).code, error); // of the file system
  }
  if (!passes) return { name: path, stream: () => createReadStream(path) };
  // What comes by once, `<(…)`, is kept for whoever reads it again.
  let bytes: Promise<Uint8Array> | undefined;
  return {
    name: path,
    stream: async function* () {
      bytes ??= readFile(path);
      yield await bytes;
    },
  };
}

/** Bytes of a file that is read as one text at most: more lines than any analysis takes. */
const MAX_TEXT_BYTES = 64 * 2 ** 20;

/**
 * All of a file, as text.
 * @throws InputError `cli/unreadable`; `cli/usage` for what is too long or not UTF-8
 */
export async function readText(path: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    const { size } = statSync(path);
    if (size > MAX_TEXT_BYTES) {
      throw usageError(
        `${path} has ${size} bytes; at most ${MAX_TEXT_BYTES} are read.`,
        "Is it the right file?",
      );
    }
    bytes = await readFile(path);
  } catch (error) {
    if (isInputError(error)) throw error;
    throw unreadable(path, (error as NodeJS.ErrnoException).code, error); // of the file system
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw usageError(`${path} is not UTF-8 text.`, "Is it the right file?");
  }
}

/**
 * Writes a file, all of it or nothing.
 * @throws InputError `cli/usage` where it is there and may not be replaced; `cli/unwritable`
 */
export async function writeNew(path: string, text: string, overwrite: boolean): Promise<void> {
  try {
    await writeFile(path, text, { flag: overwrite || isDevice(statOf(path)) ? "w" : "wx" });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException; // of the file system
    if (code === "EEXIST") throw isThere(path);
    throw unwritable(path, code, cause);
  }
}

/**
 * A file that an analysis writes; `onSize` hears how large it gets before it is.
 * @throws InputError what `checkPlace` throws
 */
export function newFile(
  flag: string,
  path: string,
  overwrite: boolean,
  onSize: (size: number) => void,
): NewFile {
  if (path === STANDARD) {
    throw usageError(`${flag} writes no text, so it cannot go to standard output.`, "Name a file.");
  }
  checkPlace(flag, path, overwrite, { beside: true });
  return {
    name: path,
    write: async (pieces, size) => {
      onSize(size);
      await writePieces(path, pieces, { overwrite });
    },
  };
}

/** What a file of a state begins with, before the state itself in V8's serialization. */
const MAGIC = "resolvent checkpoint 1\n";

/** The state of unfinished work in a file. */
export interface CheckpointFile extends Checkpoint {
  /** The work is done: nothing to go on with. */
  remove(): Promise<void>;
}

/**
 * A file that holds the state of unfinished work. A new state is written beside it and takes its place by renaming:
 * whatever happens, also where two processes keep theirs in one file, it holds one whole state. A file of another kind is
 * never touched.
 *
 * @throws InputError `cli/not-a-checkpoint`, `cli/unreadable`
 */
export async function checkpointFile(path: string, command: string): Promise<CheckpointFile> {
  const head = Buffer.from(`${MAGIC}${command}\n`);
  let saved: unknown;
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined; // nothing is kept yet, or another has ended with it
    throw unreadable(path, error.code, error);
  });
  if (bytes !== undefined) {
    try {
      if (!bytes.subarray(0, head.length).equals(head)) throw new TypeError("another head");
      saved = deserialize(bytes.subarray(head.length));
    } catch (cause) {
      throw new InputError({
        code: "cli/not-a-checkpoint",
        message: `${path} holds no unfinished work of ${command}.`,
        remedy: "Name a file that is not there yet, or one that this command has kept.",
        details: { path },
        cause,
      });
    }
  }
  // Of a process that was killed as it kept its state.
  await removeLeft(dirname(path), (name) => name === basename(path)).catch(() => {}); // it is in nobody's way
  return {
    saved,
    save: async (state) =>
      await writePieces(path, once(head, serialize(state)), { overwrite: true }),
    remove: async () => await rm(path, { force: true }),
  };
}

async function* once(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

function unreadable(path: string, system: string | undefined, cause?: unknown): InputError {
  return new InputError({
    code: "cli/unreadable",
    message: `${path} cannot be read (${system}).`,
    remedy: "Check its name and its permissions.",
    details: { path, system },
    ...(cause !== undefined && { cause }),
  });
}
