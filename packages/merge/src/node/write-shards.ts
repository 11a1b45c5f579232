import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import {
  inFileOrder,
  type ReadOptions,
  safetensorsChunks,
  type TensorToWrite,
} from "@resolvent/weights";
import { writePieces } from "@resolvent/weights/node";
import type { MergeOptions } from "../merge-tensor.ts";
import type { OpenMergeModel } from "../model.ts";
import { hereWorkshop, mergedPieces, type Workshop } from "../piecewise.ts";
import type { MergePlan } from "../plan.ts";
import type { Shard } from "../shards.ts";
import { slotsOf } from "../walk.ts";
import { onThreads } from "./threads.ts";

/** How far a merge is. */
export interface MergeProgress {
  /** Bytes of the result's weights that are written, and all of them. */
  readonly done: number;
  readonly total: number;
  /** Bytes a second since this run began; of what an earlier run had written nothing is counted. */
  readonly rate: number;
  /** The tensor that was written last. */
  readonly tensor: string;
}

/** How far hashing is. */
export interface HashProgress {
  /** Of the model, or of the file. */
  readonly name: string;
  /** Bytes that are hashed, and all of them. */
  readonly done: number;
  readonly total: number;
}

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
  const total = shards.flatMap(({ tensors }) => tensors).reduce((sum, { bytes }) => sum + bytes, 0);
  const started = performance.now();
  let [done, now] = [0, 0];
  const hashes = new Map<string, string | undefined>();
  const alone = threads <= 1 || total < WORTH_THREADS;
  const workshop = alone ? await hereWorkshop() : await threadedWorkshop(threads);
  try {
    for (const { file, tensors } of shards) {
      const path = join(folder, file);
      if (await exists(path)) {
        // A file has its name when every byte of it is on the disk.
        const onBytes = (far: Omit<HashProgress, "name">): void => onHash?.({ name: file, ...far });
        hashes.set(file, hash ? await hashOf(path, onBytes, signal) : undefined);
        done += tensors.reduce((sum, { bytes }) => sum + bytes, 0);
        continue;
      }
      const told = (tensor: string, bytes: number): void => {
        done += bytes;
        now += bytes;
        const seconds = (performance.now() - started) / 1000;
        onProgress?.({ done, total, rate: now / Math.max(seconds, 1e-9), tensor });
      };
      const pieces = safetensorsChunks(
        ahead(
          inFileOrder(tensors),
          (name) => mergedPieces(plan, name, models, { ...options, ...workshop }),
          told,
        ),
        { metadata: { format: "pt" }, ...(signal && { signal }) },
      );
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

/** Tensors to write, each of which begins when the one before it is written, so that threads always have work. */
function ahead(
  tensors: Shard["tensors"],
  pieces: (name: string) => AsyncIterable<Uint8Array>,
  told: (name: string, bytes: number) => void,
): readonly TensorToWrite[] {
  let begun: AsyncIterable<Uint8Array> | undefined;
  return tensors.map(({ name, dtype, shape, bytes }, i) => ({
    ...{ name, dtype, shape },
    bytes: async function* () {
      const own = begun ?? pieces(name);
      const next = tensors[i + 1];
      begun = next && pieces(next.name);
      yield* own;
      told(name, bytes);
    },
  }));
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
