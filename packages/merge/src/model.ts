import { readJson } from "@resolvent/transformer";
import {
  type Checkpoint,
  type Dtype,
  type Folder,
  openCheckpoint,
  type ReadOptions,
} from "@resolvent/weights";
import { refuse } from "./refuse.ts";
import { readVocabulary, type Vocabulary } from "./vocabulary.ts";

/** What planning needs of a model: headers and configs, no numbers. */
export interface MergeModel {
  /** Its config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Dtype and shape of each of its tensors, under the names of its files. */
  readonly tensors: ReadonlyMap<
    string,
    { readonly dtype: Dtype; readonly shape: readonly number[] }
  >;
  /** Its tokens; absent where it has no tokenizer that is read. */
  readonly vocabulary?: Vocabulary;
}

/** A model whose tensors can be read. */
export interface OpenMergeModel extends MergeModel {
  readonly folder: Folder;
  readonly checkpoint: Checkpoint;
}

/**
 * A model's config, headers and vocabulary, from its folder. No numbers are read.
 *
 * @throws InputError `merge/no-config`, `merge/unexpected-tensor`, and what `openCheckpoint` of `@resolvent/weights` throws
 */
export async function openMergeModel(
  folder: Folder,
  options?: ReadOptions,
): Promise<OpenMergeModel> {
  const checkpoint = await openCheckpoint(folder, options);
  const config = await readJson(folder, "config.json", options);
  if (config === undefined) {
    throw refuse(
      "no-config",
      `${folder.name} has no config.json.`,
      "Name a folder that holds config.json and safetensors.",
      { folder: folder.name },
    );
  }
  checkIndexed(checkpoint);
  const vocabulary = await readVocabulary(folder, options);
  return {
    folder,
    checkpoint,
    config,
    tensors: new Map(checkpoint.names.map((name) => [name, checkpoint.info(name)])),
    ...(vocabulary !== undefined && { vocabulary }),
  };
}

/** Every tensor of a shard is in the index: one that is not would be left out without a word. */
function checkIndexed({ name: folder, files, has }: Checkpoint): void {
  for (const [file, { tensors }] of files) {
    const odd = [...tensors.keys()].find((tensor) => !has(tensor));
    if (odd === undefined) continue;
    throw refuse(
      "unexpected-tensor",
      `${odd} is in ${file} of ${folder}, and its index does not name it.`,
      "Leaving it out would give another model: write the index anew.",
      { tensor: odd, model: folder, file },
    );
  }
}
