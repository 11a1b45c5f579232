import { allocate } from "../source.ts";
import type { PartialBlob } from "./cache.ts";
import { type Directory, ifThere, stored, writeText } from "./opfs-storage.ts";

/** The file in a blob's folder that says that all its pieces are there and checked; it holds the piece length. */
export const WHOLE: string = "whole";

/** Bytes of a blob from its pieces. */
export async function readPieces(
  folder: Directory,
  name: string,
  pieceBytes: number,
  start: number,
  end: number,
): Promise<Uint8Array> {
  const out = allocate(end - start, name);
  for (let at = start; at < end; ) {
    const piece = Math.floor(at / pieceBytes);
    const inPiece = at - piece * pieceBytes;
    const count = Math.min(end - at, pieceBytes - inPiece);
    const file = await (await folder.getFileHandle(String(piece))).getFile();
    const bytes = await file.slice(inPiece, inPiece + count).arrayBuffer();
    out.set(new Uint8Array(bytes), at - start);
    if (bytes.byteLength !== count) return out.subarray(0, at - start + bytes.byteLength);
    at += count;
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
      await stored(name, readPieces(folder, name, pieceBytes, start, end)),
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
