import {
  type CostOps,
  cost,
  type Engine,
  type Ops,
  type Priced,
  type Shaped,
} from "@resolvent/tensor";
import {
  bitsInto,
  decodeInto,
  decodeNumbers,
  type Folder,
  type RawTensor,
} from "@resolvent/weights";
import { checkpointSha256 } from "@resolvent/weights/hash";
import type { Get } from "./families/family.ts";
import { finiteCheck } from "./finite.ts";
import type { Block, Model, Stages } from "./model.ts";
import { openParts, type Parts } from "./parts.ts";
import { getFrom, refuseUnused, type Source } from "./stored-tensors.ts";
import { streamed } from "./stream.ts";
import type { Warning } from "./warning.ts";
import { halfOf, type WeightSizes, weightPlans, weightSizes } from "./weight-plan.ts";

export interface LoadOptions {
  /** What results call the model; default the last part of the folder's name. */
  readonly name?: string;
  /** Whether to compute the SHA-256 of the weights, which reads all of them once more; default true. */
  readonly hash?: boolean;
  /**
   * Keeps only the embedding and the unembedding in memory, and reads each layer from its file whenever a
   * computation reaches it; default false. For models that do not fit, from local files or memory; from addresses,
   * Blobs and the browser's storage through `readOnThread`, which reads one layer ahead.
   */
  readonly stream?: boolean;
  /**
   * Whether F16 and BF16 matrices are widened to the engine's precision when they are loaded. Where they are not,
   * an engine that can (`cpu`) keeps them at two bytes an entry and widens each whenever it is used: the same
   * numbers, slower where the input is short. Default: true where the weights then take at most three quarters of
   * the memory that the engine has left, so that something is left for computing; `weightPlans` tells more.
   */
  readonly widen?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/**
 * A model from a folder with `config.json` and safetensors, its weights as values of an engine, in the engine's
 * precision.
 *
 * ```ts
 * const model = await loadModel(cpu, folderOf("models/gpt2"));
 * ```
 *
 * @throws InputError `transformer/unsupported-config`, `transformer/bad-config`, `transformer/no-config`,
 * `transformer/missing-tensor`, `transformer/unexpected-tensor`, `transformer/wrong-size`, what `openCheckpoint`
 * throws, and, where a model streams, `weights/not-at-once` when it runs
 */
export async function loadModel<T extends Shaped>(
  engine: Engine<T>,
  folder: Folder,
  options: LoadOptions = {},
): Promise<Model<T>> {
  const { signal, onProgress } = options;
  const parts = await openParts(folder, signal);
  const { architecture, checkpoint, warnings } = parts;
  const check = finiteCheck([...warnings]);
  const { stream = false, widen = mayWiden(engine, parts, stream) } = options;
  let done = 0;
  const fetch = async (names: readonly string[]): Promise<Source<T>> => {
    const stored = new Map<string, RawTensor>();
    for (const name of names) {
      signal?.throwIfAborted();
      stored.set(name, await checkpoint.read(name, { signal }));
      onProgress?.({ done: ++done, total: parts.names.weights.length });
    }
    return (name, shape) => {
      const raw = stored.get(name) as RawTensor; // `names` covers what is asked
      const half = widen ? undefined : halfOf(raw.dtype, raw.shape);
      return half === undefined
        ? engine.written(shape, (numbers) => {
            decodeInto(raw, numbers, name);
            check.numbers(name, raw.shape, numbers);
          })
        : engine.writtenHalf(shape, half, (bits) => {
            bitsInto(raw, bits, name);
            check.halves(name, raw.shape, bits, half);
          });
    };
  };
  const now: Source<T> = (name, shape) =>
    engine.written(shape, (numbers) => {
      checkpoint.readInto(name, numbers);
      check.numbers(name, Object.values(shape), numbers);
    });
  const free = (stage: readonly Block<T>[]): void => engine.free(stage);
  const model = await build(engine, parts, fetch, stream ? { now, free } : undefined);
  const sha256 =
    options.hash === false ? undefined : await checkpointSha256(checkpoint, { signal });
  return {
    name: options.name ?? lastPart(folder.name),
    ...(sha256 !== undefined && { sha256 }),
    ...((stream || check.warnings.length > 0) && { warnings: check.warnings }),
    architecture,
    ...model,
  };
}

/** A model's shapes without its numbers. */
export interface ModelOutline extends Model<Priced> {
  /** What its weights take: see `weightPlans`. */
  readonly sizes: WeightSizes;
}

/** A model's shapes without its numbers, to know costs before anything but headers is read. */
export async function outlineModel(
  folder: Folder,
  options: Pick<LoadOptions, "name" | "signal"> = {},
): Promise<ModelOutline> {
  const parts = await openParts(folder, options.signal);
  const ops: CostOps = cost();
  const model = await build(ops, parts, async () => (_name, shape) => ops.given(shape));
  return {
    name: options.name ?? lastPart(folder.name),
    ...(parts.warnings.length > 0 && { warnings: parts.warnings }),
    architecture: parts.architecture,
    ...model,
    sizes: sizesOf(parts),
  };
}

/** Warnings of weights that are NaN or infinite, of a model that nobody loads: they are read one after the other. */
export async function notFiniteWeights(
  folder: Folder,
  { signal, onProgress }: Pick<LoadOptions, "signal" | "onProgress"> = {},
): Promise<readonly Warning[]> {
  const { checkpoint, names } = await openParts(folder, signal);
  const check = finiteCheck();
  for (const [i, name] of names.weights.entries()) {
    const raw = await checkpoint.read(name, { signal });
    const precision = raw.dtype === "F64" ? "f64" : "f32";
    check.numbers(name, raw.shape, decodeNumbers(raw, precision, name));
    onProgress?.({ done: i + 1, total: names.weights.length });
  }
  return check.warnings;
}

/** The share of an engine's free memory that weights may take where nobody says how they are to be kept. */
const SHARE = 0.75;

/** Whether to widen when loading, where the caller does not say. */
function mayWiden<T extends Shaped>(engine: Engine<T>, parts: Parts, stream: boolean): boolean {
  if (engine.memory === undefined) return true;
  const { limit, used } = engine.memory;
  const plans = weightPlans(sizesOf(parts), engine.precision);
  const widened = plans.find((plan) => plan.widen && plan.stream === stream);
  return widened === undefined || widened.bytes <= SHARE * (limit - used);
}

interface Streaming<T> {
  /** A tensor, read at once. */
  readonly now: Source<T>;
  free(stage: readonly Block<T>[]): void;
}

/** Layer by layer, so that only one layer's numbers are on the host at a time. */
async function build<T extends Shaped>(
  ops: Ops<T>,
  parts: Parts,
  fetch: (names: readonly string[]) => Promise<Source<T>>,
  streaming: Streaming<T> | undefined = undefined,
): Promise<Pick<Model<T>, "embed" | "stages" | "final">> {
  const { family, fields, architecture, checkpoint } = parts;
  const { weights, outside, layers } = parts.names;
  const used = new Set<string>();
  const getter = <V extends Shaped>(over: Ops<V>, source: Source<V>): Get<V> =>
    getFrom(over, parts, source, used);

  const endsFrom = getter(ops, await fetch(outside));
  const ends = ops.scope(() => family.ends(endsFrom, fields, architecture));
  const stages: Block<T>[][] = [];
  let streamedStages: Stages<T> | undefined;
  if (streaming === undefined) {
    for (let layer = 0; layer < architecture.layers; layer++) {
      const get = getter(ops, await fetch(layers.get(layer) ?? []));
      stages.push(...ops.scope(() => family.layer(get, fields, architecture, layer)));
    }
  } else {
    // Names and sizes are checked now, on shapes alone; numbers are read when a stage is reached.
    const shapes = cost();
    const outline = getter(shapes, (_, shape) => shapes.given(shape));
    const checked: Block<Priced>[][] = [];
    for (let layer = 0; layer < architecture.layers; layer++) {
      checked.push(...family.layer(outline, fields, architecture, layer));
    }
    const get = getter(ops, streaming.now);
    const read = (layer: number): readonly (readonly Block<T>[])[] => {
      const blocks = ops.scope(() => family.layer(get, fields, architecture, layer));
      checkpoint.readAhead(layers.get(layer + 1) ?? []);
      return blocks;
    };
    streamedStages = streamed(read, architecture.layers, checked.length, streaming.free);
  }
  refuseUnused(weights, used, checkpoint.name, architecture);
  return { ...ends, stages: streamedStages ?? stages };
}

function sizesOf({ names, checkpoint, architecture }: Parts): WeightSizes {
  const { outside, layers } = names;
  return weightSizes(checkpoint, outside, [...layers.values()], architecture.vocab);
}

function lastPart(name: string): string {
  return name.split(/[\\/]/).filter(Boolean).at(-1) ?? name;
}
