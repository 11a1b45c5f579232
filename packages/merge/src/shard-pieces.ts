import {
  inFileOrder,
  type ReadOptions,
  safetensorsChunks,
  type TensorToWrite,
} from "@resolvent/weights";
import type { MergeOptions } from "./merge-tensor.ts";
import type { OpenMergeModel } from "./model.ts";
import { mergedPieces } from "./piecewise.ts";
import type { MergePlan } from "./plan.ts";
import type { Shard } from "./shards.ts";
import type { Workshop } from "./workshop.ts";

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

/** Bytes of all tensors of some files. */
export function shardBytesOf(shards: readonly Shard[]): number {
  return shards.flatMap(({ tensors }) => tensors).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Counts what is written, for whoever wants to know how far it is. */
export interface Counting {
  /** So many bytes were there before this run. */
  there(bytes: number): void;
  written(tensor: string, bytes: number): void;
}

export function countingOf(
  total: number,
  onProgress: ((progress: MergeProgress) => void) | undefined,
): Counting {
  const started = performance.now();
  let [done, now] = [0, 0];
  return {
    there: (bytes) => {
      done += bytes;
    },
    written: (tensor, bytes) => {
      done += bytes;
      now += bytes;
      const seconds = (performance.now() - started) / 1000;
      onProgress?.({ done, total, rate: now / Math.max(seconds, 1e-9), tensor });
    },
  };
}

/** The bytes of a file of the result's weights, merged as they are asked for. */
export function shardPieces(
  plan: MergePlan,
  models: ReadonlyMap<string, OpenMergeModel>,
  { tensors }: Pick<Shard, "tensors">,
  counting: Counting,
  options: MergeOptions & ReadOptions & Workshop,
): AsyncIterable<Uint8Array> {
  const { signal } = options;
  const pieces = (name: string): AsyncIterable<Uint8Array> =>
    mergedPieces(plan, name, models, options);
  return safetensorsChunks(ahead(inFileOrder(tensors), pieces, counting), {
    metadata: { format: "pt" },
    ...(signal && { signal }),
  });
}

/** Tensors to write, each of which begins when the one before it is written, so that threads always have work. */
function ahead(
  tensors: Shard["tensors"],
  pieces: (name: string) => AsyncIterable<Uint8Array>,
  { written }: Counting,
): readonly TensorToWrite[] {
  let begun: AsyncIterable<Uint8Array> | undefined;
  return tensors.map(({ name, dtype, shape, bytes }, i) => ({
    ...{ name, dtype, shape },
    bytes: async function* () {
      const own = begun ?? pieces(name);
      const next = tensors[i + 1];
      begun = next && pieces(next.name);
      yield* own;
      written(name, bytes);
    },
  }));
}
