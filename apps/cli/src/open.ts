import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Cpu, type CpuTensor, createCpu } from "@resolvent/cpu";
import { bundledModels } from "@resolvent/models";
import type { Precision } from "@resolvent/tensor";
import { loadModel, loadTokenizer, type Model, type Tokenizer } from "@resolvent/transformer";
import { checkpointSha256, type Folder, openCheckpoint } from "@resolvent/weights";
import { folderOf } from "@resolvent/weights/node";
import { usageError } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

/** A model that a command works on, on an engine of its own. */
export interface OpenModel {
  readonly engine: Cpu;
  readonly model: Model<CpuTensor>;
}

/** The folder that MODEL names: a bundled model, or a path. */
export async function modelFolder(name: string): Promise<Folder> {
  const bundled = Object.hasOwn(bundledModels, name) ? bundledModels[name] : undefined;
  if (bundled !== undefined) return folderOf(fileURLToPath(bundled.url));
  const found = await stat(name).catch(() => undefined);
  if (found?.isDirectory()) return folderOf(name);
  const names = Object.keys(bundledModels).join(", ");
  throw usageError(
    found === undefined
      ? `"${name}" is neither a bundled model nor a folder.`
      : `"${name}" is a file; a model is a folder with config.json and model.safetensors.`,
    `Bundled: ${names}.`,
  );
}

/** The name that results call a model by. */
export function modelName(name: string): string {
  return name.split(/[\\/]/).filter(Boolean).at(-1) ?? name;
}

/** Loads a model onto a cpu engine of the given precision. */
export async function openModel(
  folder: Folder,
  name: string,
  precision: Precision,
  threads: number | undefined,
  terminal: Terminal,
): Promise<OpenModel> {
  const engine = await createCpu({ precision, ...(threads !== undefined && { threads }) });
  const model = await loadModel(engine, folder, {
    name: modelName(name),
    hash: false,
    onProgress: ({ done, total }) => terminal.progress(`${name}: ${done} of ${total} tensors`),
  });
  terminal.progress("");
  return { engine, model };
}

/** SHA-256 of the weights of a folder. */
export async function weightsHash(folder: Folder): Promise<string> {
  return await checkpointSha256(await openCheckpoint(folder));
}

/** The tokenizer of a folder, if it has one. */
export async function tokenizerOf(folder: Folder): Promise<Tokenizer | undefined> {
  return await loadTokenizer(folder);
}
