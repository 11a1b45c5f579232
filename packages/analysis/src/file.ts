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

function isFile(value: unknown): boolean {
  const { name, stream } = Object(value); // of what has no fields, none
  return typeof name === "string" && typeof stream === "function";
}
