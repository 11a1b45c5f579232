import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { ReadOptions } from "@resolvent/weights";
import { writePieces } from "@resolvent/weights/node";
import type { MergeOptions } from "../merge-tensor.ts";
import type { OpenMergeModel } from "../model.ts";
import type { MergePlan } from "../plan.ts";
import {
  countingOf,
  type HashProgress,
  type MergeProgress,
  shardBytesOf,
  shardPieces,
} from "../shard-pieces.ts";
import type { Shard } from "../shards.ts";
import { slotsOf } from "../walk.ts";
import { hereWorkshop, type Workshop } from "../workshop.ts";
import { onThreads } from "./threads.ts";

export interface ShardOptions extends MergeOptions, ReadOptions {
  readonly threads: number;
  readonly hash?: boolean;
  readonly onProgress?: (progress: MergeProgress) => void;
  readonly onHash?: (progress: HashProgress) => void;
}

/** Writes the files of a merge that are not there yet; their hashes, where they are wanted. */
export async function writeShards(
  plan: MergePlan,
  models: ReadonlyMap<string, OpenMergeModel>,
  shards: readonly Shard[],
  folder: string,
  { threads, hash = true, onProgress, onHash, ...options }: ShardOptions,
): Promise<ReadonlyMap<string, string | undefined>> {
  const { signal } = options;
  const total = shardBytesOf(shards);
  const counting = countingOf(total, onProgress);
  const hashes = new Map<string, string | undefined>();
  const alone = threads <= 1 || total < WORTH_THREADS;
  const workshop = alone ? await hereWorkshop() : await threadedWorkshop(threads);
  try {
    for (const shard of shards) {
      const { file } = shard;
      const path = join(folder, file);
      if (await exists(path)) {
        // A file has its name when every byte of it is on the disk.
        const onBytes = (far: Omit<HashProgress, "name">): void => onHash?.({ name: file, ...far });
        hashes.set(file, hash ? await hashOf(path, onBytes, signal) : undefined);
        counting.there(shardBytesOf([shard]));
        continue;
      }
      const pieces = shardPieces(plan, models, shard, counting, { ...options, ...workshop });
      const hasher = hash ? createHash("sha256") : undefined;
      await writePieces(path, hasher ? hashed(pieces, hasher) : pieces, { signal });
      hashes.set(file, hasher?.digest("hex"));
    }
  } finally {
    if (!alone) await workshop.arithmetic.close();
  }
  return hashes;
}

async function threadedWorkshop(threads: number): Promise<Workshop> {
  const arithmetic = await onThreads(threads);
  return { arithmetic, slots: slotsOf(arithmetic) };
}

/** Results with fewer bytes are there before threads have started. */
const WORTH_THREADS = 2 ** 23;

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

/** Hashes each piece while it is being written. */
async function* hashed(pieces: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    const hashing = setImmediate().then(() => hash.update(piece));
    yield piece;
    await hashing;
  }
}

/** Bytes that are read at once where a file is only hashed. */
const PIECE = 2 ** 22;

async function hashOf(
  path: string,
  onBytes: (progress: Omit<HashProgress, "name">) => void,
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = createHash("sha256");
  const { size: total } = await lstat(path);
  let done = 0;
  for await (const piece of createReadStream(path, { signal, highWaterMark: PIECE })) {
    hash.update(piece);
    done += piece.length;
    onBytes({ done, total });
  }
  return hash.digest("hex");
}
