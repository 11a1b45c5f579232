import { accessSync, constants, existsSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { InputError, isInputError } from "@resolvent/tensor";
import { usageError } from "./failure.ts";

/** The name of standard input among inputs, and of standard output among outputs. */
export const STANDARD = "-";

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
    if (isInputError(error)) throw error;
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

/** What a path leads to; undefined for nothing, and for what cannot be looked at. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** A pipe or device, which keeps nothing that could be lost. */
export function isDevice(stats: Stats | undefined): boolean {
  return stats !== undefined && !stats.isFile() && !stats.isDirectory();
}

export function isThere(path: string): InputError {
  return usageError(`${path} is there already.`, "Add --overwrite to replace it.");
}

/** What the system calls a place that is full. */
const FULL: readonly string[] = ["ENOSPC", "EDQUOT"];

export function unwritable(path: string, system: string | undefined, cause?: unknown): InputError {
  return new InputError({
    code: "cli/unwritable",
    message: `${path} cannot be written (${system}).`,
    remedy:
      system !== undefined && FULL.includes(system)
        ? "There is no room left: make some, or name a place elsewhere."
        : "Check that its folder is there and may be written.",
    details: { path, system },
    ...(cause !== undefined && { cause }),
  });
}
