import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ModelFiles } from "@resolvent/analysis";
import { bytes } from "@resolvent/analysis";
import { type Cpu, type CpuTensor, createCpu } from "@resolvent/cpu";
import { bundledModels } from "@resolvent/models";
import { InputError, isInputError } from "@resolvent/tensor";
import {
  loadModel,
  type Model,
  type ModelOutline,
  notFiniteWeights,
  type Warning,
  type WeightPlan,
  weightPlans,
} from "@resolvent/transformer";
import { type Folder, openCheckpoint } from "@resolvent/weights";
import {
  checkpointSha256,
  digestFile,
  digestFilePath,
  folderOf,
  hubFolder,
} from "@resolvent/weights/node";
import { usageError } from "./failure.ts";
import type { EngineOptions, ModelOptions } from "./options.ts";
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
    if (!(isInputError(error) && notOnTheHub.has(error.code))) throw error;
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

/** How a model's weights are to be kept. */
type Keeping = Pick<WeightPlan, "stream" | "widen">;

/** How weights would be kept, as results say it. */
export interface KeptWeights {
  /** `in f32`, `as stored`, `layer by layer`, `layer by layer, the rest as stored`, or `more than the limit`. */
  readonly kept: string;
  /** Of the weights that are in memory at a time, and of what operations widen meanwhile. */
  readonly bytes: number;
}

interface Budget {
  readonly limit: number;
  /** The fastest way that fits. */
  readonly plan: WeightPlan | undefined;
  /** Bytes of the way that takes least. */
  readonly least: number;
}

function budget(
  outline: ModelOutline,
  { precision, stream = false, maxMemory }: EngineOptions,
  intermediates: number,
  layers = false,
): Budget {
  const limit = Math.min(maxMemory ?? ENGINE_BYTES, ENGINE_BYTES);
  const plans = weightPlans(outline.sizes, precision).filter(
    (plan) => (plan.stream || !stream) && !(plan.stream && layers),
  );
  return {
    limit,
    plan: plans.find((plan) => plan.bytes + intermediates <= limit),
    least: Math.min(...plans.map((plan) => plan.bytes)),
  };
}

/** How a model's weights would be kept beside so many bytes of intermediates, from the headers alone. */
export function keptWeights(
  outline: ModelOutline,
  options: EngineOptions,
  intermediates: number,
  layers = false,
): KeptWeights {
  const { plan, least } = budget(outline, options, intermediates, layers);
  if (plan === undefined) return { kept: "more than the limit", bytes: least };
  const ends = plan.widen ? "" : ", the rest as stored";
  const whole = plan.widen ? `in ${options.precision}` : "as stored";
  return { kept: plan.stream ? `layer by layer${ends}` : whole, bytes: plan.bytes };
}

/**
 * The fastest way to keep a model's weights that leaves room for the intermediates, from the headers alone; layer
 * by layer where that is asked for, and never where all layers are needed at once.
 *
 * @throws InputError `cli/over-budget` where it fits in no way
 */
export function keepWeights(
  outline: ModelOutline,
  options: EngineOptions,
  intermediates: number,
  { remedy, layers }: { readonly remedy: string; readonly layers: boolean },
): WeightPlan {
  const { limit, plan, least } = budget(outline, options, intermediates, layers);
  if (plan !== undefined) return plan;
  throw new InputError({
    code: "cli/over-budget",
    message: `This would take at least ${bytes(least)} for weights and ${bytes(intermediates)} for intermediates; the limit is ${bytes(limit)}.`,
    remedy,
    details: { weights: least, intermediates, needed: least + intermediates, limit },
  });
}

/** Says how the weights are kept, where that is not the ordinary way and not what was asked for. */
export function noteKeeping(
  outline: ModelOutline,
  plan: WeightPlan,
  { stream = false }: Pick<EngineOptions, "stream">,
  terminal: Terminal,
): void {
  if (plan.stream && !stream) {
    terminal.note(`${outline.name} streams: its layers are read when they are needed.`);
  } else if (!plan.stream && !plan.widen) {
    terminal.note(
      `${outline.name} keeps its weights as stored, and widens them when they are used.`,
    );
  }
}

/** Loads a model onto a cpu engine. */
export async function openModel(
  folder: Folder,
  name: string,
  { precision, threads, stream, widen }: Pick<EngineOptions, "precision" | "threads"> & Keeping,
  terminal: Terminal,
): Promise<OpenModel> {
  const wide =
    process.env.RESOLVENT_WIDE === "1"
      ? (await import("@resolvent/cpu/wide")).wideKernels
      : undefined;
  const engine = await createCpu({ precision, ...(threads !== undefined && { threads }), wide });
  const model = await loadModel(engine, folder, {
    name,
    hash: false,
    stream,
    widen,
    onProgress: ({ done, total }) => terminal.progress(`${name}: ${done} of ${total} tensors`),
  });
  terminal.progress("");
  return { engine, model };
}

/** SHA-256 of the weights of a folder; of files that are as they were, from the last time. */
export async function weightsHash(folder: Folder, terminal: Terminal): Promise<string> {
  const sha256 = await checkpointSha256(await openCheckpoint(folder), {
    known: digestFile(digestFilePath(process.env)),
    onProgress: ({ done, total }) =>
      terminal.progress(`SHA-256: ${bytes(done)} of ${bytes(total)}`),
  });
  terminal.progress("");
  return sha256;
}

/** What is to be said of weights that are NaN or infinite, of a model that nobody loads. */
export async function notFiniteIn(folder: Folder, terminal: Terminal): Promise<readonly Warning[]> {
  const warnings = await notFiniteWeights(folder, {
    onProgress: ({ done, total }) => terminal.progress(`weights: ${done} of ${total} tensors`),
  });
  terminal.progress("");
  return warnings;
}

/** The tensors of a folder as they are stored. */
export async function storedTensors(folder: Folder): Promise<ModelFiles["tensors"]> {
  const checkpoint = await openCheckpoint(folder);
  return checkpoint.names.map((name) => {
    const { dtype, shape } = checkpoint.info(name);
    return { name, dtype, shape };
  });
}
