import type { WriteFile } from "@resolvent/analysis";
import type { Folder, ReadOptions } from "@resolvent/weights";
import { checkpointSha256, newSha256, type Sha256 } from "@resolvent/weights/hash";
import type { MergeOptions } from "./merge-tensor.ts";
import { besideWeights, type WrittenMerge } from "./merged-files.ts";
import type { OpenMergeModel } from "./model.ts";
import type { MergePlan } from "./plan.ts";
import { resultFiles } from "./result-files.ts";
import {
  countingOf,
  type HashProgress,
  type MergeProgress,
  shardBytesOf,
  shardPieces,
} from "./shard-pieces.ts";
import { shardsOf } from "./shards.ts";
import { hereWorkshop } from "./workshop.ts";

export interface MergeIntoOptions extends MergeOptions, ReadOptions {
  /** The configuration's text, for `mergekit_config.yml` and the model card. */
  readonly config: string;
  /** Most bytes of data in a file; default 5·10⁹. */
  readonly shardBytes?: number;
  /** Whether weights are hashed for the model card, the result's and the models'; default true. */
  readonly hash?: boolean;
  /** What is written so far, where it can be read: for `verify`. */
  readonly written?: Folder | undefined;
  /** Asked of what is written, where that can be read, once all of it is there. */
  readonly verify?: (folder: Folder) => Promise<void>;
  readonly onProgress?: (progress: MergeProgress) => void;
  /** Hears how far hashing is of what is only read for that: the models. */
  readonly onHash?: (progress: HashProgress) => void;
}

/**
 * Carries a plan out on the calling thread, file by file into whatever `write` writes to: a browser's storage, an
 * archive. The bytes are those of `writeMerge` of `@resolvent/merge/node`, which goes on where it was stopped; this begins
 * again, and it is up to whoever gives `write` that nothing half done stays.
 *
 * @throws InputError what merging, reading, `write` and `verify` throw
 */
export async function mergeInto(
  plan: MergePlan,
  models: ReadonlyMap<string, OpenMergeModel>,
  write: WriteFile,
  options: MergeIntoOptions,
): Promise<WrittenMerge> {
  const {
    config,
    shardBytes = 5e9,
    hash = true,
    written,
    verify,
    onProgress,
    onHash,
    ...own
  } = options;
  const { seed = 42, signal } = own;
  const others = await resultFiles(plan, models, own);
  const shards = shardsOf(plan, models, shardBytes);
  const counting = countingOf(shardBytesOf(shards), onProgress);
  const workshop = await hereWorkshop();
  const hashes = new Map<string, string | undefined>();
  const sizes = new Map<string, number>();
  for (const shard of shards) {
    const hasher = hash ? newSha256() : undefined;
    const pieces = shardPieces(plan, models, shard, counting, { ...own, ...workshop });
    await write(
      shard.file,
      heard(pieces, (piece) => {
        signal?.throwIfAborted();
        hasher?.update(piece);
        sizes.set(shard.file, (sizes.get(shard.file) ?? 0) + piece.byteLength);
      }),
    );
    hashes.set(shard.file, hasher?.hex());
  }
  const inputs = new Map<string, string | undefined>();
  for (const [name, { checkpoint }] of models) {
    const far = (progress: Omit<HashProgress, "name">): void => onHash?.({ name, ...progress });
    const own = hash ? await checkpointSha256(checkpoint, { signal, onProgress: far }) : undefined;
    inputs.set(name, own);
  }
  const facts = { config, models: inputs, files: hashes, seed };
  for (const [file, bytes] of besideWeights(plan, shards, others, facts)) {
    sizes.set(file, bytes.length);
    await write(file, one(bytes));
  }
  if (written !== undefined) await verify?.(written);
  signal?.throwIfAborted();
  const files = [...sizes].map(([name, bytes]) => ({ name, bytes, sha256: hashes.get(name) }));
  return { models: inputs, files };
}

/** What results call a model by that was just written, as `checkpointSha256` has it; null where nothing was hashed. */
export function writtenSha256({ files }: WrittenMerge): string | null {
  const weights = files.filter(({ name }) => name.endsWith(".safetensors"));
  const digests = weights
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ sha256 }) => sha256 ?? []);
  if (digests.length < weights.length) return null;
  const [only = ""] = digests;
  if (digests.length === 1) return only;
  const all: Sha256 = newSha256();
  all.update(new TextEncoder().encode(digests.join("\n")));
  return all.hex();
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* heard(
  pieces: AsyncIterable<Uint8Array>,
  hear: (piece: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    hear(piece);
    yield piece;
  }
}
