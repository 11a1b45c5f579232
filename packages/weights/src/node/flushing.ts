import type { FileHandle } from "node:fs/promises";

/** Bytes after which what was written so far is sent to the disk. */
const FLUSHED = 2 ** 25;

/**
 * Sends what is written to the disk while more is being made: systems keep it in memory for seconds, and all of it would be
 * waited for at the end. `end` sends the rest, and throws what any of this has thrown: systems tell of a fault once only.
 */
export function flushing(handle: Pick<FileHandle, "datasync" | "sync">): {
  readonly wrote: (bytes: number) => void;
  readonly idle: () => Promise<void>;
  readonly end: () => Promise<void>;
} {
  let waiting = 0;
  let running: Promise<void> | undefined;
  let fault: { readonly error: unknown } | undefined;
  const flush = async (): Promise<void> => {
    try {
      await handle.datasync();
    } catch (error) {
      fault ??= { error };
    }
    running = undefined;
  };
  return {
    wrote: (bytes) => {
      waiting += bytes;
      if (waiting < FLUSHED || running !== undefined) return;
      waiting = 0;
      running = flush();
    },
    idle: async () => await running,
    end: async () => {
      if (fault !== undefined) throw fault.error;
      await handle.sync();
    },
  };
}
