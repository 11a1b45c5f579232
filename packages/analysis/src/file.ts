import { InputError } from "@resolvent/tensor";
import type { Folder } from "@resolvent/weights";

/** A file that is read as it comes by: a browser's `File` is one. */
export interface TextFile {
  /** Its name or path, as it is called in messages and results. */
  readonly name: string;
  /** Its bytes, from the start, each time it is called. */
  stream(): AsyncIterable<Uint8Array>;
}

/** What the bytes of a file that is no text begin with, where they have to go as text; base64 follows. */
const BYTES = "data:application/octet-stream;base64,";

/** A text as a file that is read; of what `textOfBytes` gives for no text, the bytes. */
export function textFile(name: string, text: string): TextFile {
  return { name, stream: () => inOnePiece(bytesOfText(name, text)) };
}

/** The bytes of a file as text: of UTF-8 as it reads, of anything else as base64, which `textFile` takes back. */
export function textOfBytes(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const pieces: string[] = [];
    // As many as a call takes at once, and no end of them within a group of base64.
    for (let at = 0; at < bytes.length; at += PIECE) {
      pieces.push(btoa(String.fromCharCode(...bytes.subarray(at, at + PIECE))));
    }
    return BYTES + pieces.join("");
  }
}

/** Bytes that become base64 together: a multiple of three. */
const PIECE = 3 * 2 ** 13;

function bytesOfText(name: string, text: string): Uint8Array {
  if (!text.startsWith(BYTES)) return new TextEncoder().encode(text);
  try {
    return Uint8Array.from(atob(text.slice(BYTES.length)), (letter) => letter.charCodeAt(0));
  } catch (cause) {
    throw new InputError({
      code: "analysis/bad-base64",
      message: `${name} is no base64 after ${BYTES}.`,
      remedy: "Give the file again.",
      details: { name },
      cause,
    });
  }
}

/**
 * All bytes of a file, refused as soon as there are more than `most`.
 *
 * @param code of that error
 * @throws InputError `analysis/file-too-large`, or of that code
 */
export async function fileBytes(
  file: TextFile,
  most: number,
  code = "analysis/file-too-large",
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of file.stream()) {
    size += piece.byteLength;
    if (size > most) {
      throw new InputError({
        code,
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

/** Writes a text as a file. */
export async function writeText(file: NewFile, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  await file.write(inOnePiece(bytes), bytes.byteLength);
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A folder of files that is written: a path on a command line. */
export interface NewFolder {
  /** Its name or path, as it is called in messages. */
  readonly name: string;
  /** Where it is on this machine, for what writes its files itself; absent where it is nowhere yet, as in a browser. */
  readonly path?: string;
  /**
   * Writes its files, as `fill` says: all of them or none. `bytes` is about how many there are. `fill` may read what it has
   * written, in `written`, where that can be read before it is all there.
   * @throws InputError where it cannot be written
   */
  write(fill: (file: WriteFile, written?: Folder) => Promise<void>, bytes: number): Promise<void>;
}

/** Writes one file of a folder, piece by piece. */
export type WriteFile = (file: string, pieces: AsyncIterable<Uint8Array>) => Promise<void>;
