import {
  memoryFolder,
  type ReadOptions,
  type TensorToWrite,
  writeSafetensors,
} from "@resolvent/weights";
import { type OpenMergeModel, openMergeModel } from "../model.ts";

/** A model in another form: what its config.json and its tensors would be. */
export interface Rewritten {
  readonly config: Readonly<Record<string, unknown>>;
  /** For a writer of safetensors, which asks for one after the other. */
  readonly tensors: readonly TensorToWrite[];
}

/**
 * A model in another form, whole in memory, to be opened or loaded like any other. It has no tokenizer.
 *
 * ```ts
 * const aligned = await memoryModel("b, aligned", alignment);
 * const model = await loadModel(engine, aligned.folder);
 * ```
 *
 * @param name what messages call it
 */
export async function memoryModel(
  name: string,
  { config, tensors }: Rewritten,
  options: ReadOptions = {},
): Promise<OpenMergeModel> {
  const files = new Map([
    ["config.json", new TextEncoder().encode(JSON.stringify(config))],
    ["model.safetensors", await writeSafetensors(tensors)],
  ]);
  return await openMergeModel(memoryFolder(files, name), options);
}
