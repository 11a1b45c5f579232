import { BLOCK_BYTES, BLOCKS_AHEAD, BLOCKS_KEPT } from "./limits.ts";

/** Reads `start ≤ i < end` of a file, in one request. */
export type ReadRange = (start: number, end: number, signal?: AbortSignal) => Promise<Uint8Array>;

/** Blocks of files on a server, the last few kept: many small reads of neighbours become few large requests. */
export interface Blocks {
  /** `read` of a file of `size` bytes, by way of the blocks. */
  of(read: ReadRange, size: number): ReadRange;
}

/**
 * Blocks of 1 MiB. A request brings the blocks that are missing and as many after them as have been asked for before,
 * at most 16: who reads one tensor gets little more than it, who reads all of them reads the file in pieces of 16 MiB.
 * At most 64 blocks are kept, of all files together. What is longer than 16 blocks is one request of its own.
 */
export function keepBlocks(): Blocks {
  const kept = new Map<string, Promise<Uint8Array>>(); // by file and block, the latest used last
  let files = 0;

  const use = (key: string, block: Promise<Uint8Array>): void => {
    kept.delete(key);
    kept.set(key, block);
    for (const oldest of kept.keys()) {
      if (kept.size <= BLOCKS_KEPT) break;
      kept.delete(oldest);
    }
  };

  return {
    of: (read, size) => {
      const file = files++;
      const count = Math.ceil(size / BLOCK_BYTES);
      const key = (block: number): string => `${file}:${block}`;
      let asked = 0;

      /** Requests a block with those after it, up to one that is kept. */
      const request = (first: number, last: number, signal?: AbortSignal): number => {
        const furthest = Math.min(
          count,
          last + 1 + Math.min(asked, BLOCKS_AHEAD),
          first + BLOCKS_AHEAD,
        );
        let end = first + 1;
        while (end < furthest && !kept.has(key(end))) end++;
        asked += end - first;
        const start = first * BLOCK_BYTES;
        const bytes = read(start, Math.min(size, end * BLOCK_BYTES), signal);
        for (let block = first; block < end; block++) {
          const at = block * BLOCK_BYTES - start;
          const part = bytes.then((all) => all.slice(at, at + BLOCK_BYTES));
          part.catch(() => kept.get(key(block)) === part && kept.delete(key(block)));
          use(key(block), part);
        }
        return end;
      };

      return async (start, end, signal) => {
        if (end - start > BLOCKS_AHEAD * BLOCK_BYTES) return await read(start, end, signal);
        const first = Math.floor(start / BLOCK_BYTES);
        const last = Math.floor((end - 1) / BLOCK_BYTES);
        const numbers = Array.from({ length: last + 1 - first }, (_, i) => first + i);
        let own = first; // blocks before it that are new come by our own request
        const parts = numbers.map((block) => {
          const isOwn = block < own || !kept.has(key(block));
          if (isOwn && block >= own) own = request(block, last, signal);
          const part = kept.get(key(block)) as Promise<Uint8Array>; // just put there, or there before
          use(key(block), part);
          // Another reader's request may have failed because that reader has given up.
          return isOwn
            ? part
            : part.catch(async () => {
                signal?.throwIfAborted();
                const from = block * BLOCK_BYTES;
                return await read(from, Math.min(size, from + BLOCK_BYTES), signal);
              });
        });
        const out = new Uint8Array(end - start);
        for (const [i, part] of (await Promise.all(parts)).entries()) {
          const at = (first + i) * BLOCK_BYTES - start;
          out.set(part.subarray(Math.max(0, -at), end - start - at), Math.max(0, at));
        }
        return out;
      };
    },
  };
}
