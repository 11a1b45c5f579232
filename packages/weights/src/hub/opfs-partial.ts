import { allocate, type ByteRange } from "../source.ts";
import type { PartialBlob } from "./cache.ts";
import { type Directory, ifThere, stored, writeText } from "./opfs-storage.ts";

/** The file in a blob's folder that says that all its pieces are there and checked; it holds the piece length. */
export const WHOLE: string = "whole";

/** The parts of pieces that make up a range of a blob. */
export function partsOf(pieceBytes: number, start: number, end: number): FilePart[] {
  const parts: FilePart[] = [];
  for (let at = start; at < end; ) {
    const piece = Math.floor(at / pieceBytes);
    const inPiece = at - piece * pieceBytes;
    const count = Math.min(end - at, pieceBytes - inPiece);
    parts.push({ file: String(piece), start: inPiece, end: inPiece + count });
    at += count;
  }
  return parts;
}

interface FilePart extends ByteRange {
  readonly file: string;
}

/** Bytes of a blob from its pieces. */
export async function readPieces(
  folder: Directory,
  name: string,
  parts: readonly FilePart[],
): Promise<Uint8Array> {
  const out = allocate(
    parts.reduce((sum, { start, end }) => sum + end - start, 0),
    name,
  );
  let at = 0;
  for (const { file, start, end } of parts) {
    const stored = await (await folder.getFileHandle(file)).getFile();
    const bytes = await stored.slice(start, end).arrayBuffer();
    out.set(new Uint8Array(bytes), at);
    at += bytes.byteLength;
    if (bytes.byteLength !== end - start) return out.subarray(0, at);
  }
  return out;
}

/**
 * An unfinished blob, a file for each piece. What a stream writes is there when it is closed: at the end of its piece,
 * or when we let go.
 */
export function partialBlob(
  folder: Directory,
  name: string,
  size: number,
  pieceBytes: number,
  sizes: Map<number, number>,
  release: () => void,
): PartialBlob {
  const open = new Map<number, FileSystemWritableFileStream>();
  let ended = false;
  const closePieces = async (): Promise<void> => {
    const streams = [...open.values()];
    open.clear();
    for (const stream of streams) await stream.close();
  };
  const remove = async (): Promise<void> => {
    await closePieces().catch(() => {});
    for (const piece of sizes.keys()) await ifThere(folder.removeEntry(String(piece)));
    sizes.clear();
  };
  return {
    pieceBytes,
    filled: (piece) => sizes.get(piece) ?? 0,
    append: async (piece, bytes) => {
      const work = async (): Promise<void> => {
        const before = sizes.get(piece) ?? 0;
        let stream = open.get(piece);
        if (stream === undefined) {
          const handle = await folder.getFileHandle(String(piece), { create: true });
          stream = await handle.createWritable({ keepExistingData: true });
          await stream.truncate(before);
          await stream.seek(before);
          open.set(piece, stream);
        }
        await stream.write(new Uint8Array(bytes));
        sizes.set(piece, before + bytes.byteLength);
        if (before + bytes.byteLength !== Math.min(pieceBytes, size - piece * pieceBytes)) return;
        open.delete(piece);
        await stream.close();
      };
      await stored(name, work());
    },
    read: async (start, end) =>
      await stored(name, readPieces(folder, name, partsOf(pieceBytes, start, end))),
    restart: remove,
    finish: async () => {
      await stored(name, writeText(folder, WHOLE, String(pieceBytes)));
      ended = true;
      release();
      return true;
    },
    discard: async () => {
      await remove();
      ended = true;
      release();
    },
    close: async () => {
      if (ended) return;
      ended = true;
      await closePieces().catch(() => {}); // what cannot be kept is fetched again
      release();
    },
  };
}
