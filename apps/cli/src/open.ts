import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Cpu, type CpuTensor, createCpu } from "@resolvent/cpu";
import { bundledModels } from "@resolvent/models";
import { InputError, type Precision } from "@resolvent/tensor";
import { loadModel, loadTokenizer, type Model, type Tokenizer } from "@resolvent/transformer";
import { checkpointSha256, type Folder, openCheckpoint } from "@resolvent/weights";
import { folderOf } from "@resolvent/weights/node";
import { usageError } from "./failure.ts";
import { bytes } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** A model that a command works on, on an engine of its own. */
export interface OpenModel {
  readonly engine: Cpu;
  readonly model: Model<CpuTensor>;
}

/** System errors that say that a path leads nowhere. */
const missing: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG"]);

/** The folder that MODEL names: a bundled model, or a path. */
export async function modelFolder(name: string): Promise<Folder> {
  const bundled = Object.hasOwn(bundledModels, name) ? bundledModels[name] : undefined;
  if (bundled !== undefined) return folderOf(fileURLToPath(bundled.url));
  const found = await stat(name).catch((error: NodeJS.ErrnoException) => {
    if (missing.has(error.code ?? "")) return undefined;
    throw new InputError({
      code: "cli/unreadable",
      message: `"${name}" cannot be read (${error.code}).`,
      remedy: "Check the permissions of the folders on the way.",
      details: { path: name, system: error.code },
      cause: error,
    });
  });
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
  return basename(resolve(name)) || name;
}

/** What a cpu engine can hold of one model and its intermediates. */
export const ENGINE_BYTES: number = 2 ** 32;

/** Bytes that the weights of a folder take in a precision, from the headers of its files. */
export async function weightBytes(folder: Folder, precision: Precision): Promise<number> {
  const checkpoint = await openCheckpoint(folder);
  const sizes = checkpoint.names.map((name) =>
    checkpoint.info(name).shape.reduce((product, n) => product * n, 1),
  );
  return sizes.reduce((a, b) => a + b, 0) * (precision === "f32" ? 4 : 8);
}

/**
 * @param parts bytes that are needed at the same time, by what they are for
 * @throws InputError `cli/over-budget`
 */
export function checkBudget(
  parts: Readonly<Record<string, number>>,
  limit: number,
  remedy: string,
): void {
  const needed = Object.values(parts).reduce((a, b) => a + b, 0);
  if (needed <= limit) return;
  const listed = Object.entries(parts).map(([what, size]) => `${bytes(size)} for ${what}`);
  throw new InputError({
    code: "cli/over-budget",
    message: `This would take ${listed.join(" and ")}; the limit is ${bytes(limit)}.`,
    remedy,
    details: { ...parts, needed, limit },
  });
}

/** Loads a model onto a cpu engine of the given precision. */
export async function openModel(
  folder: Folder,
  name: string,
  precision: Precision,
  threads: number | undefined,
  terminal: Terminal,
): Promise<OpenModel> {
  const weights = await weightBytes(folder, precision); // said before gigabytes are read
  checkBudget({ weights }, ENGINE_BYTES, "This model is too large for the cpu engine.");
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
export async function weightsHash(folder: Folder, terminal: Terminal): Promise<string> {
  const sha256 = await checkpointSha256(await openCheckpoint(folder), {
    onProgress: ({ done, total }) =>
      terminal.progress(`SHA-256: ${bytes(done)} of ${bytes(total)}`),
  });
  terminal.progress("");
  return sha256;
}

/** The tokenizer of a folder, if it has one. */
export async function tokenizerOf(folder: Folder): Promise<Tokenizer | undefined> {
  return await loadTokenizer(folder);
}
