import type { TextFile } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";

/**
 * All bytes of a file, refused as soon as there are more than `most`.
 *
 * @throws InputError `dictionary/too-many`
 */
export async function fileBytes(file: TextFile, most: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of file.stream()) {
    size += piece.byteLength;
    if (size > most) {
      throw new InputError({
        code: "dictionary/too-many",
        message: `${file.name} has more than ${most} bytes.`,
        remedy: "Is it the right file?",
        details: { name: file.name, limit: most },
      });
    }
    pieces.push(piece);
  }
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}

/**
 * The text in bytes.
 *
 * @throws InputError `dictionary/not-json` for what is not UTF-8
 */
export function textOf(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InputError({
      code: "dictionary/not-json",
      message: `${name} is not UTF-8 text.`,
      remedy: "Is it the right file?",
      details: { name },
      cause,
    });
  }
}
