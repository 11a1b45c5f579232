import { onceMade } from "@resolvent/tensor";
import {
  type ByteSource,
  type Folder,
  memorySource,
  type ReadOptions,
  writeSafetensors,
} from "@resolvent/weights";
import { philox } from "../methods/philox.ts";
import { openMergeModel } from "../model.ts";
import type { Permutation } from "./permutation.ts";
import { permutedTensors } from "./permute.ts";
import { placed, type Sizes } from "./places.ts";

export interface PermutedFolderOptions {
  /** Which order; the same seed gives the same, from 0 to 2³² − 1. */
  readonly seed: number;
  /** What the folder is called; default the model's name with `-permuted`. */
  readonly name?: string;
}

/**
 * The folder of a model's copy with its heads, its neurons and the basis of its residual stream in a random order: the
 * same function to the rounding of sums, and as far from the model, entry by entry, as another model. Its
 * `model.safetensors` is made in memory when it is first opened; its other files are the model's.
 *
 * ```ts
 * const copy = await openMergeModel(permutedFolder(folderOf("models/gpt2"), { seed: 1 }));
 * const { permutation } = await matchWeights(await openMergeModel(folderOf("models/gpt2")), copy); // undoes it
 * ```
 *
 * Opening that file throws what `openMergeModel` and `permutedTensors` throw.
 */
export function permutedFolder(
  folder: Folder,
  { seed, name = `${folder.name}-permuted` }: PermutedFolderOptions,
): Folder {
  const whole = onceMade(
    async (options?: ReadOptions) =>
      await permuted(folder, seed, `${name}/model.safetensors`, options),
  );
  return {
    name,
    open: async (file, options) => {
      if (file === "model.safetensors.index.json") return undefined; // it is one file
      if (file !== "model.safetensors") return await folder.open(file, options);
      return await whole(options);
    },
  };
}

async function permuted(
  folder: Folder,
  seed: number,
  name: string,
  options?: ReadOptions,
): Promise<ByteSource> {
  const model = await openMergeModel(folder, options);
  const permutation = randomPermutation(placed(model).sizes, seed);
  const tensors = permutedTensors(model, permutation, options);
  const bytes = await writeSafetensors(tensors, { ...options, metadata: { format: "pt" } });
  return memorySource(bytes, name);
}

/** An order of everything that may be put in another one, all equally likely. Key-value heads stay with their queries. */
function randomPermutation({ residual, layers }: Sizes, seed: number): Permutation {
  const groups = layers.map(({ kvHeads, group }, layer) => {
    const kv = shuffled(kvHeads, seed, 3 * layer + 1);
    const within = kv.map((head) => shuffled(group, seed, 3 * (layer + head * layers.length) + 3));
    return kv.flatMap((head, i) => (within[i] ?? []).map((query) => head * group + query));
  });
  return {
    residual: shuffled(residual, seed, 0),
    mlp: layers.map(({ mlp }, layer) => shuffled(mlp, seed, 3 * layer + 2)),
    heads: groups,
  };
}

/** 0 to below `count` in the order of random numbers: word `i mod 4` of Philox at `(⌊i/4⌋, 0, 0, 0)` under the key `(seed, stream)`. */
function shuffled(count: number, seed: number, stream: number): number[] {
  const words = new Uint32Array(4);
  const drawn = Array.from({ length: count }, (_, i) => {
    philox(Math.floor(i / 4), 0, 0, 0, seed % 2 ** 32, stream, words);
    return words[i % 4] as number; // four words
  });
  return drawn
    .map((_, i) => i)
    .sort((a, b) => (drawn[a] as number) - (drawn[b] as number) || a - b);
}
