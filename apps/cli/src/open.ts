import { basename, resolve } from "node:path";
import { bytes, type Heard, heardWhileHashing, heardWhileLoading } from "@resolvent/analysis";
import { InputError, isInputError, type Precision, type Shaped } from "@resolvent/tensor";
import {
  loadModel,
  type Model,
  type ModelOutline,
  notFiniteWeights,
  type Warning,
  type WeightPlan,
  weightPlans,
} from "@resolvent/transformer";
import { type Folder, openCheckpoint, type WholeFile } from "@resolvent/weights";
import {
  checkpointSha256,
  digestFile,
  digestFilePath,
  readOnThread,
} from "@resolvent/weights/node";
import { type AnyEngine, findFolder, selectEngine } from "resolvent";
import { usageError } from "./failure.ts";
import { saysFetching } from "./fetching.ts";
import type { EngineOptions, ModelOptions } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** Models that a command works on, on an engine of their own. */
export interface OpenModels {
  readonly engine: AnyEngine;
  /** In the order in which they were asked for. */
  readonly models: readonly Model<Shaped>[];
  /** Ends all that was made for it. */
  readonly close: () => Promise<void>;
}

/** What an address begins with. */
const ADDRESS = /^https?:\/\//i;

/** The folder that MODEL names: a bundled model, a path, an address, or a repository on the Hub, which is fetched. */
export async function modelFolder(
  name: string,
  { revision, offline }: ModelOptions,
  terminal: Terminal,
): Promise<Folder> {
  try {
    const folder = await findFolder(name, {
      ...{ revision, offline },
      onWhole: wholeFiles(terminal),
      ...saysFetching(name, terminal),
    });
    terminal.progress("");
    return folder;
  } catch (error) {
    if (!isInputError(error)) throw error;
    const { code, remedy = "", details, cause } = error;
    const message = error.message.slice(0, -remedy.length).trimEnd();
    switch (code) {
      case "resolvent/unreadable":
        throw new InputError({ code: "cli/unreadable", message, remedy, details, cause });
      case "resolvent/unreachable":
        throw usageError(message, remedy.replace("offline uses", "--offline uses"));
      case "resolvent/no-model":
      case "resolvent/not-a-folder":
        throw usageError(message, remedy);
      default:
        throw error;
    }
  }
}

/** Bytes of a file below which nobody minds that it comes whole. */
const SMALL = 2 ** 20;

/** Says once of each file that its server sends it whole only, and how far it is. */
function wholeFiles(terminal: Terminal): (file: WholeFile) => void {
  const told = new Set<string>();
  return ({ name, done, total }) => {
    if (total !== undefined && total < SMALL) return;
    const all = total === undefined ? undefined : bytes(total);
    if (!told.has(name))
      terminal.note(
        `${name} comes whole${all === undefined ? "" : `, ${all}`}: its server sends no parts.`,
      );
    told.add(name);
    terminal.progress(
      done === total ? "" : `${name}: ${bytes(done)}${all === undefined ? "" : ` of ${all}`}`,
    );
  };
}

/** The name that results call a model by: that of its folder, or its whole name on the Hub. */
export function modelName(name: string, folder: Folder): string {
  return "repo" in folder ? name : basename(resolve(name)) || name;
}

/** What an engine can hold of its models and their intermediates. */
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
  outlines: readonly ModelOutline[],
  { precision, stream = false, maxMemory }: EngineOptions,
  intermediates: number,
  layers = false,
): Budget {
  const limit = Math.min(maxMemory ?? ENGINE_BYTES, ENGINE_BYTES);
  const plans = jointPlans(outlines, precision).filter(
    (plan) => (plan.stream || !stream) && !(plan.stream && layers),
  );
  return {
    limit,
    plan: plans.find((plan) => plan.bytes + intermediates <= limit),
    least: Math.min(...plans.map((plan) => plan.bytes)),
  };
}

/** The ways to have the weights of several models in memory, all in the same way. */
function jointPlans(outlines: readonly ModelOutline[], precision: Precision): WeightPlan[] {
  const each = outlines.map(({ sizes }) => weightPlans(sizes, precision));
  const ways = each.reduce((most, plans) => (plans.length > most.length ? plans : most), []);
  return ways.map(({ stream, widen }) => {
    // One that stores nothing in 16 bits has no other way than to widen it.
    const own = each.flatMap((plans) => {
      const alike = plans.filter((plan) => plan.stream === stream);
      return alike.find((plan) => plan.widen === widen) ?? alike[0] ?? [];
    });
    return { stream, widen, bytes: own.reduce((sum, { bytes }) => sum + bytes, 0) };
  });
}

/** How the weights of models would be kept beside so many bytes of intermediates, from the headers alone. */
export function keptWeights(
  outlines: readonly ModelOutline[],
  options: EngineOptions,
  intermediates: number,
  layers = false,
): KeptWeights {
  const { plan, least } = budget(outlines, options, intermediates, layers);
  if (plan === undefined) return { kept: "more than the limit", bytes: least };
  const ends = plan.widen ? "" : ", the rest as stored";
  const whole = plan.widen ? `in ${options.precision}` : "as stored";
  return { kept: plan.stream ? `layer by layer${ends}` : whole, bytes: plan.bytes };
}

/**
 * The fastest way to keep the weights of models that leaves room for the intermediates, from the headers alone; layer
 * by layer where that is asked for, and never where all layers are needed at once.
 *
 * @throws InputError `cli/over-budget` where it fits in no way
 */
export function keepWeights(
  outlines: readonly ModelOutline[],
  options: EngineOptions,
  intermediates: number,
  { remedy, layers }: { readonly remedy: string; readonly layers: boolean },
): WeightPlan {
  const { limit, plan, least } = budget(outlines, options, intermediates, layers);
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

/** How models are computed. */
type Computing = Pick<EngineOptions, "engine" | "precision" | "threads"> &
  Keeping & {
    /** Numbers of their weights, which may decide what computes. */
    readonly parameters?: number;
  };

/** Loads a model onto an engine of its own. */
export async function openModel(
  folder: Folder,
  name: string,
  options: Computing,
  terminal: Terminal,
): Promise<Pick<OpenModels, "engine" | "close"> & { readonly model: Model<Shaped> }> {
  const { models, ...opened } = await openModels([{ folder, name }], options, terminal);
  return { ...opened, model: models[0] as Model<Shaped> }; // one for each that is wanted
}

/** Loads models onto one engine; whoever hears of it does in place of the terminal. */
export async function openModels(
  wanted: readonly { readonly folder: Folder; readonly name: string }[],
  { engine: named, precision, threads, parameters, stream, widen }: Computing,
  terminal: Terminal,
  heard?: Heard,
): Promise<OpenModels> {
  const wide =
    process.env.RESOLVENT_WIDE === "1"
      ? (await import("@resolvent/cpu/wide")).wideKernels
      : undefined;
  const engine = await selectEngine({
    ...(named !== undefined && { engine: named }),
    ...(threads !== undefined && { threads }),
    ...(parameters !== undefined && { parameters }),
    ...{ precision, wide },
  });
  const readers: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    await engine.close();
    for (const reader of readers) await reader.close();
  };
  try {
    const models: Model<Shaped>[] = [];
    for (const { folder, name } of wanted) {
      // What a computation waits for while it reads from a server is read by a thread.
      const thread = stream && ADDRESS.test(folder.name) ? await readOnThread(folder) : undefined;
      if (thread !== undefined) readers.push(thread);
      const model = await loadModel(engine, thread ?? folder, {
        name,
        hash: false,
        stream,
        widen,
        onProgress: ({ done, total }) => terminal.progress(`${name}: ${done} of ${total} tensors`),
        ...heardWhileLoading(name, precision, heard),
      });
      models.push(model);
    }
    terminal.progress("");
    return { engine, models, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** SHA-256 of the weights of a folder; of files that are as they were, from the last time. */
export async function weightsHash(
  folder: Folder,
  terminal: Terminal,
  heard: Heard = {},
): Promise<string> {
  const sha256 = await checkpointSha256(await openCheckpoint(folder), {
    known: digestFile(digestFilePath(process.env)),
    onProgress: ({ done, total }) =>
      terminal.progress(`SHA-256: ${bytes(done)} of ${bytes(total)}`),
    ...heardWhileHashing(heard),
  });
  terminal.progress("");
  return sha256;
}

/** What is to be said of weights that are NaN or infinite, of a model that nobody loads. */
export async function notFiniteIn(
  folder: Folder,
  terminal: Terminal,
  heard: Heard = {},
): Promise<readonly Warning[]> {
  const warnings = await notFiniteWeights(folder, {
    onProgress: ({ done, total }) => terminal.progress(`weights: ${done} of ${total} tensors`),
    ...heardWhileLoading("weights", "f32", heard),
  });
  terminal.progress("");
  return warnings;
}
