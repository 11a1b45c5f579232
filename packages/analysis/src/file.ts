import { z } from "zod";

/** A file that is read as it comes by: a browser's `File` is one. */
export interface TextFile {
  /** Its name or path, as it is called in messages and results. */
  readonly name: string;
  /** Its bytes, from the start, each time it is called. */
  stream(): AsyncIterable<Uint8Array>;
}

/**
 * A parameter that is a file: `--NAME FILE` on a command line, which checks that it can be read and hands it over
 * unread. It may be left out. Schemas of other libraries mark such a parameter by JSON Schema's `format: "file"`.
 */
export function fileParameter(
  description: string,
): z.ZodType<TextFile | undefined, TextFile | undefined> {
  // What passes the check is a TextFile, which JSON Schema has no type for.
  return z.unknown().refine(isFile, "Expected a file").optional().meta({
    format: "file",
    description,
    title: "file",
  }) as z.ZodType<TextFile | undefined, TextFile | undefined>;
}

/** A file that is written: a path on a command line, a download in a browser. */
export interface NewFile {
  /** Its name or path, as it is called in messages. */
  readonly name: string;
  /**
   * Writes it, piece by piece: all of it or nothing. `bytes` is about how many there are.
   * @throws InputError where it cannot be written
   */
  write(pieces: AsyncIterable<Uint8Array>, bytes: number): Promise<void>;
}

/**
 * A parameter that is a file to write: `--NAME FILE` on a command line, which refuses a file that is there already
 * before any work is done, unless `--overwrite` is given. For what is too large for a result, or of a format of its
 * own. It may be left out. Schemas of other libraries mark such a parameter by JSON Schema's `format: "new-file"`.
 */
export function newFileParameter(
  description: string,
): z.ZodType<NewFile | undefined, NewFile | undefined> {
  // What passes the check is a NewFile, which JSON Schema has no type for.
  return z.unknown().refine(isNewFile, "Expected a file to write").optional().meta({
    format: "new-file",
    description,
    title: "file",
  }) as z.ZodType<NewFile | undefined, NewFile | undefined>;
}

function isNewFile(value: unknown): boolean {
  const { name, write } = Object(value); // of what has no fields, none
  return typeof name === "string" && typeof write === "function";
}

function isFile(value: unknown): boolean {
  const { name, stream } = Object(value); // of what has no fields, none
  return typeof name === "string" && typeof stream === "function";
}
