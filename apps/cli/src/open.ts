import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Cpu, type CpuTensor, createCpu } from "@resolvent/cpu";
import { bundledModels } from "@resolvent/models";
import { InputError, type Precision, type Priced, sizeOf } from "@resolvent/tensor";
import {
  loadModel,
  loadTokenizer,
  type Model,
  mapWeights,
  type Tokenizer,
} from "@resolvent/transformer";
import { type Folder, openCheckpoint } from "@resolvent/weights";
import { checkpointSha256, folderOf, hubFolder } from "@resolvent/weights/node";
import { usageError } from "./failure.ts";
import type { EngineOptions, ModelOptions } from "./options.ts";
import { bytes } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** A model that a command works on, on an engine of its own. */
export interface OpenModel {
  readonly engine: Cpu;
  readonly model: Model<CpuTensor>;
}

/** System errors that say that a path leads nowhere. */
const missing: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG"]);

/** The folder that MODEL names: a bundled model, a path, or a repository on the Hub, which is fetched. */
export async function modelFolder(
  name: string,
  { revision, offline }: ModelOptions,
  terminal: Terminal,
): Promise<Folder> {
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
  if (found !== undefined) {
    throw usageError(
      `"${name}" is a file; a model is a folder with config.json and model.safetensors.`,
      `Bundled: ${names}.`,
    );
  }
  try {
    const folder = await hubFolder(name, {
      ...(revision !== undefined && { revision }),
      ...(offline !== undefined && { offline }),
      onProgress: ({ file, done, total, rate }) =>
        terminal.progress(`${name}: ${bytes(done)} of ${bytes(total)}, ${bytes(rate)}/s, ${file}`),
    });
    terminal.progress("");
    return folder;
  } catch (error) {
    if (!(error instanceof InputError && notOnTheHub.has(error.code))) throw error;
    if (error.code === "weights/unreachable") {
      throw usageError(
        `"${name}" is neither a bundled model nor a folder here, and on the Hub it could not be looked for: ${withoutRemedy(error)}`,
        `Check the name or path, or the network; --offline uses what has been fetched before. Bundled: ${names}.`,
      );
    }
    throw usageError(
      `"${name}" is neither a bundled model nor a folder, and on the Hub: ${error.message}`,
      `Bundled: ${names}.`,
    );
  }
}

function withoutRemedy({ message, remedy }: InputError): string {
  return remedy === undefined ? message : message.slice(0, -remedy.length).trimEnd();
}

/** Errors of the Hub that say that a name leads nowhere from here. */
const notOnTheHub: ReadonlySet<string> = new Set([
  "weights/hub-bad-name",
  "weights/hub-not-found",
  "weights/hub-offline",
  "weights/unreachable",
]);

/** The name that results call a model by: that of its folder, or its whole name on the Hub. */
export function modelName(name: string, folder: Folder): string {
  return "repo" in folder ? name : basename(resolve(name)) || name;
}

/** What a cpu engine can hold of one model and its intermediates. */
const ENGINE_BYTES: number = 2 ** 32;

/** Bytes of a model's weights in a precision: all of them, and the most that are there at a time when they stream. */
function weightBytes(
  outline: Model<Priced>,
  precision: Precision,
): { all: number; streamed: number } {
  let ends = 0;
  const layers: number[] = [];
  mapWeights(outline, (weight, path) => {
    const layer = /^L(\d+)\./.exec(path)?.[1];
    if (layer === undefined) ends += sizeOf(weight.shape);
    else layers[Number(layer)] = (layers[Number(layer)] ?? 0) + sizeOf(weight.shape);
    return weight;
  });
  const width = precision === "f32" ? 4 : 8;
  const all = layers.reduce((a, b) => a + b, ends);
  return { all: all * width, streamed: (ends + Math.max(0, ...layers)) * width };
}

/**
 * Whether a model has to stream its weights, from its shapes alone: where it is asked for, or where all of them
 * would not fit beside the intermediates.
 *
 * @throws InputError `cli/over-budget` where it fits in neither way
 */
export function mustStream(
  outline: Model<Priced>,
  { precision, stream, maxMemory }: EngineOptions,
  intermediates: number,
  remedy: string,
): boolean {
  const limit = Math.min(maxMemory ?? ENGINE_BYTES, ENGINE_BYTES);
  const weights = weightBytes(outline, precision);
  if (!stream && weights.all + intermediates <= limit) return false;
  checkBudget({ "weights, layer by layer,": weights.streamed, intermediates }, limit, remedy);
  return true;
}

/**
 * @param parts bytes that are needed at the same time, by what they are for
 * @throws InputError `cli/over-budget`
 */
function checkBudget(parts: Readonly<Record<string, number>>, limit: number, remedy: string): void {
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

/** Loads a model onto a cpu engine. */
export async function openModel(
  folder: Folder,
  name: string,
  { precision, threads, stream = false }: Pick<EngineOptions, "precision" | "threads" | "stream">,
  terminal: Terminal,
): Promise<OpenModel> {
  const engine = await createCpu({ precision, ...(threads !== undefined && { threads }) });
  const model = await loadModel(engine, folder, {
    name,
    hash: false,
    stream,
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
