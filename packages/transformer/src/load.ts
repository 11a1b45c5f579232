import {
  type Axis,
  axesOf,
  type CostOps,
  cost,
  type Engine,
  InputError,
  type Ops,
  type Priced,
  type Shape,
  type Shaped,
} from "@resolvent/tensor";
import {
  bitsInto,
  type Checkpoint,
  checkpointSha256,
  decodeInto,
  type Folder,
  openCheckpoint,
  type RawTensor,
} from "@resolvent/weights";
import { type Get, showSizes } from "./families/family.ts";
import { type ReadConfig, readConfig } from "./families/index.ts";
import { generationEnds, readJson } from "./files.ts";
import { finiteCheck } from "./finite.ts";
import type { Architecture, Block, Model, Stages } from "./model.ts";
import { streamed } from "./stream.ts";
import { sameNumbers } from "./tied.ts";
import { someNames, type Warning } from "./warning.ts";
import { halfOf, type WeightSizes, weightPlans, weightSizes } from "./weight-plan.ts";

export interface LoadOptions {
  /** What results call the model; default the last part of the folder's name. */
  readonly name?: string;
  /** Whether to compute the SHA-256 of the weights, which reads all of them once more; default true. */
  readonly hash?: boolean;
  /**
   * Keeps only the embedding and the unembedding in memory, and reads each layer from its file whenever a
   * computation reaches it; default false. For models that do not fit, from local files or memory.
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

/** The architecture that a config.json describes. */
export function architectureOf(config: Readonly<Record<string, unknown>>): Architecture {
  return readConfig(config).architecture;
}

interface Parts extends ReadConfig {
  readonly checkpoint: Checkpoint;
  readonly names: Names;
}

type Source<T> = (name: string, shape: Shape) => T;

async function openParts(folder: Folder, signal: AbortSignal | undefined): Promise<Parts> {
  const config = await readJson(folder, "config.json", { signal });
  if (config === undefined) {
    throw new InputError({
      code: "transformer/no-config",
      message: `${folder.name} has no config.json.`,
      remedy: "Name a folder that holds config.json and model.safetensors.",
      details: { folder: folder.name },
    });
  }
  const read = readConfig(config);
  const checkpoint = await openCheckpoint(folder, { signal });
  const prefix = prefixOf(read, checkpoint);
  const tie = await tieOf(read, checkpoint, prefix, signal);
  const ends = await generationEnds(folder, { signal });
  const architecture = {
    ...read.architecture,
    tied: tie.tied,
    ...(ends.eos !== undefined && { eos: ends.eos }),
  };
  const names = namesOf({ ...read, architecture }, checkpoint, prefix);
  return {
    ...read,
    architecture,
    checkpoint,
    names,
    warnings: [...read.warnings, ...tie.warnings, ...denials(names, checkpoint), ...ends.warnings],
  };
}

/** Whether embedding and unembedding are one: where the config says so, and the file has not two that differ. */
async function tieOf(
  { family, architecture }: ReadConfig,
  checkpoint: Checkpoint,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly tied: boolean; readonly warnings: readonly Warning[] }> {
  const { tied } = architecture;
  const stored = (name: string): string | undefined => storedName(checkpoint, prefix, name);
  const embedding = family.tie && stored(family.tie.embedding);
  const unembedding = family.tie && stored(family.tie.unembedding);
  if (!tied || embedding === undefined || unembedding === undefined) return { tied, warnings: [] };
  if (await sameNumbers(checkpoint, embedding, unembedding, signal)) return { tied, warnings: [] };
  const warning: Warning = {
    code: "untied",
    message: `config.json says that the unembedding is the embedding (tie_word_embeddings), and the weights have both, ${embedding} and ${unembedding}, with different numbers. They are used as they are stored.`,
  };
  return { tied: false, warnings: [warning] };
}

/** What is said of tensors that the config denies. */
function denials({ denied }: Names, { name }: Checkpoint): Warning[] {
  if (denied.length === 0) return [];
  return [
    {
      code: "denied-tensors",
      message: `${name} holds ${denied.length} biases that config.json denies, and they are not used: ${someNames(denied)}.`,
    },
  ];
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
    const read = (layer: number): readonly (readonly Block<T>[])[] =>
      ops.scope(() => family.layer(get, fields, architecture, layer));
    streamedStages = streamed(read, architecture.layers, checked.length, streaming.free);
  }
  refuseUnused(weights, used, checkpoint.name, architecture);
  return { ...ends, stages: streamedStages ?? stages };
}

/** The names of a checkpoint's tensors by place; copies and what is ignored are left out. */
interface Names {
  readonly prefix: string;
  readonly weights: readonly string[];
  readonly outside: readonly string[];
  /** By layer, as far as there are any: a config may claim more. */
  readonly layers: ReadonlyMap<number, readonly string[]>;
  /** Those that the config denies. */
  readonly denied: readonly string[];
}

/** What all names of a checkpoint begin with, of what the family knows. */
function prefixOf({ family }: ReadConfig, checkpoint: Checkpoint): string {
  return (
    family.prefixes.find((start) =>
      checkpoint.names.some((name) => start !== "" && name.startsWith(start)),
    ) ?? ""
  );
}

/** The name that a tensor has in a checkpoint, with the prefix or without. */
function storedName(checkpoint: Checkpoint, prefix: string, name: string): string | undefined {
  return [prefix + name, name].find((one) => checkpoint.has(one));
}

function namesOf(
  { family, fields, architecture }: ReadConfig,
  checkpoint: Checkpoint,
  prefix: string,
): Names {
  const ofALayer = new RegExp(
    `^${family.layerPrefix(0).replace("0", "(\\d+)").replaceAll(".", "\\.")}`,
  );
  const denying = family.denied?.(fields);
  // Checkpoints of tied models often store the embedding a second time, as the unembedding.
  const twice =
    architecture.tied && family.tie && storedName(checkpoint, prefix, family.tie.embedding);
  const copy = twice && family.tie && storedName(checkpoint, prefix, family.tie.unembedding);
  const weights: string[] = [];
  const outside: string[] = [];
  const layers = new Map<number, string[]>();
  const denied: string[] = [];
  for (const name of checkpoint.names) {
    if (family.ignored.test(name) || name === copy) continue;
    const layer = ofALayer.exec(name.slice(prefix.length))?.[1];
    if (denying?.test(name) && layer !== undefined && Number(layer) < architecture.layers) {
      denied.push(name);
      continue;
    }
    weights.push(name);
    if (layer === undefined) {
      outside.push(name);
      continue;
    }
    const own = layers.get(Number(layer));
    if (own === undefined) layers.set(Number(layer), [name]);
    else own.push(name);
  }
  return { prefix, weights, outside, layers, denied };
}

function sizesOf({ names, checkpoint, architecture }: Parts): WeightSizes {
  const { outside, layers } = names;
  return weightSizes(checkpoint, outside, [...layers.values()], architecture.vocab);
}

/** A tensor that nothing asked for means that the model is not what its config says. */
function refuseUnused(
  weights: readonly string[],
  used: ReadonlySet<string>,
  name: string,
  { family, layers }: Architecture,
): void {
  const odd = weights.filter((weight) => !used.has(weight));
  if (odd.length === 0) return;
  throw new InputError({
    code: "transformer/unexpected-tensor",
    message: `${name} holds ${odd.length} tensors that a ${family} model of ${layers} layers has no place for: ${odd.slice(0, 3).join(", ")}${odd.length > 3 ? ", …" : ""}.`,
    remedy:
      "Leaving them out would give another model; check model_type and the number of layers in config.json.",
    details: { names: odd },
  });
}

function getFrom<T extends Shaped>(
  ops: Ops<T>,
  { family, architecture, checkpoint, names: { prefix } }: Parts,
  source: Source<T>,
  used: Set<string>,
): Get<T> {
  const full = (name: string): string | undefined => storedName(checkpoint, prefix, name);
  const { embedding, unembedding } = family.tie ?? {};
  const get = (name: string, shape: Shape, into: Readonly<Record<Axis, Shape>> = {}): T => {
    // Of two tensors that are one, a file may hold either.
    const other = architecture.tied && name === embedding ? unembedding : undefined;
    const stored = full(name) ?? (other === undefined ? undefined : full(other));
    if (stored === undefined) {
      throw missingTensor(checkpoint, prefix, name, {
        other,
        untied: name === unembedding,
      });
    }
    const got = checkpoint.info(stored).shape;
    const expected = axesOf(shape).map((axis) => shape[axis]);
    if (got.length !== expected.length || got.some((size, i) => size !== expected[i])) {
      throw new InputError({
        code: "transformer/wrong-size",
        message: `${stored} should be ${showSizes(shape)} (${axesOf(shape).join(", ")}), got [${got.join(", ")}].`,
        remedy: "Check that config.json belongs to these weights.",
        details: { tensor: stored, expected: shape, got },
      });
    }
    used.add(stored);
    let value = source(stored, shape);
    for (const [axis, parts] of Object.entries(into)) value = ops.split(value, axis, parts);
    return value;
  };
  return Object.assign(get, { has: (name: string): boolean => full(name) !== undefined, ops });
}

/** `transformer/missing-tensor`; where all names of the checkpoint have a prefix of others, it says which. */
function missingTensor(
  checkpoint: Checkpoint,
  prefix: string,
  name: string,
  { other, untied }: { readonly other: string | undefined; readonly untied: boolean },
): InputError {
  const wanted = prefix + name;
  const longer = checkpoint.names.find(
    (one) => one.endsWith(`.${wanted}`) || one.endsWith(`.${name}`),
  );
  const odd = longer?.slice(
    0,
    longer.length - (longer.endsWith(`.${wanted}`) ? wanted : name).length,
  );
  const why = untied
    ? " config.json says that the unembedding is not the embedding (tie_word_embeddings)."
    : "";
  const either = other === undefined ? "" : ` and no ${other}`;
  return new InputError({
    code: "transformer/missing-tensor",
    message: `${checkpoint.name} has no tensor ${wanted}${either}.${why}${
      odd === undefined ? "" : ` It has ${longer}: its names begin with "${odd}".`
    }`,
    remedy:
      odd === undefined
        ? "Check that config.json belongs to these weights."
        : `Save the model without what wraps it (torch.compile writes _orig_mod., DataParallel module.), or take "${odd}" off the names.`,
    details: { tensor: wanted, ...(odd !== undefined && { prefix: odd }) },
  });
}

function lastPart(name: string): string {
  return name.split(/[\\/]/).filter(Boolean).at(-1) ?? name;
}
