import {
  accessSync,
  constants,
  createReadStream,
  existsSync,
  realpathSync,
  type Stats,
  statSync,
} from "node:fs";
import { open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { deserialize, serialize } from "node:v8";
import type { Checkpoint, NewFile, TextFile } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import { writePieces } from "@resolvent/weights/node";
import { usageError } from "./failure.ts";

/** The name of standard input among inputs, and of standard output among outputs. */
export const STANDARD = "-";

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
  try {
    if (statSync(path).isDirectory()) {
      throw unreadable(path, "EISDIR");
    }
    accessSync(path, constants.R_OK);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw unreadable(path, (error as NodeJS.ErrnoException).code, error); // of the file system
  }
  return { name: path, stream: () => createReadStream(path) };
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
    if (error instanceof InputError) throw error;
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

/**
 * Refuses a place where nothing can be written, before any work is done for it.
 *
 * @throws InputError `cli/usage` for a folder, and for a file that is there and may not be replaced;
 * `cli/unwritable` where its folder is not there, or may not be written
 */
export function checkPlace(
  flag: string,
  path: string,
  overwrite: boolean,
  /** `beside`: it is written beside its place, and then put there. */
  { beside = false }: { readonly beside?: boolean } = {},
): void {
  const stats = statOf(path);
  if (path === "" || stats?.isDirectory() === true || path.endsWith("/")) {
    throw usageError(`${flag}: "${path}" names a folder.`, "Name a file.");
  }
  if (stats !== undefined && !overwrite && (beside || !isDevice(stats))) throw isThere(path);
  const folder = dirname(resolve(path));
  try {
    // A folder that is none has no entry either.
    if (!statSync(folder).isDirectory()) throw unwritable(path, "ENOTDIR");
    accessSync(beside || stats === undefined ? folder : path, constants.W_OK);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw unwritable(path, (error as NodeJS.ErrnoException).code, error); // of the file system
  }
}

/** A place that a command writes or reads. */
export interface Place {
  /** `--output` */
  readonly flag: string;
  readonly path: string;
}

/**
 * Refuses to write one place twice, or what is read.
 * @throws InputError `cli/usage`
 */
export function checkApart(outputs: readonly Place[], inputs: readonly Place[]): void {
  const all = [...outputs, ...inputs.filter(({ path }) => path !== STANDARD)];
  outputs.forEach(({ flag, path }, i) => {
    const other = all.find((place, at) => at > i && wholePath(place.path) === wholePath(path));
    if (other === undefined) return;
    const place = path === STANDARD ? "standard output" : path;
    throw usageError(`${flag} and ${other.flag} are one place: ${place}.`, "Name two files.");
  });
  const readers = inputs.filter(({ path }) => path === STANDARD).map(({ flag }) => flag);
  if (readers.length > 1) {
    throw usageError(
      `${readers.join(" and ")} both read standard input.`,
      "It can be read for one of them.",
    );
  }
}

/** A path by which a file is known, whatever leads to it. */
function wholePath(path: string): string {
  if (path === STANDARD) return path;
  try {
    return realpathSync(path);
  } catch {
    const folder = dirname(resolve(path));
    return join(existsSync(folder) ? realpathSync(folder) : folder, basename(path));
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined; // what cannot be looked at is found out when its folder is
  }
}

/** A pipe or device, which keeps nothing that could be lost. */
function isDevice(stats: Stats | undefined): boolean {
  return stats !== undefined && !stats.isFile() && !stats.isDirectory();
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
 * whatever happens, the file holds one whole state. A file of another kind is never touched.
 *
 * @throws InputError `cli/not-a-checkpoint`, `cli/unreadable`
 */
export async function checkpointFile(path: string, command: string): Promise<CheckpointFile> {
  const head = Buffer.from(`${MAGIC}${command}\n`);
  let saved: unknown;
  if (existsSync(path)) {
    const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      throw unreadable(path, error.code, error);
    });
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
  const beside = `${path}.part`;
  return {
    saved,
    save: async (state) => {
      try {
        const file = await open(beside, "w");
        try {
          await file.writeFile(Buffer.concat([head, serialize(state)]));
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(beside, path);
      } catch (cause) {
        throw unwritable(path, (cause as NodeJS.ErrnoException).code, cause); // of the file system
      }
    },
    remove: async () => await rm(path, { force: true }),
  };
}

function isThere(path: string): InputError {
  return usageError(`${path} is there already.`, "Add --overwrite to replace it.");
}

function unwritable(path: string, system: string | undefined, cause?: unknown): InputError {
  return new InputError({
    code: "cli/unwritable",
    message: `${path} cannot be written (${system}).`,
    remedy: "Check that its folder is there and may be written.",
    details: { path, system },
    ...(cause !== undefined && { cause }),
  });
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
