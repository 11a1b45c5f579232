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
  type Checkpoint,
  checkpointSha256,
  decodeInto,
  type Folder,
  openCheckpoint,
  type RawTensor,
} from "@resolvent/weights";
import { type Family, type Get, showSizes } from "./families/family.ts";
import { familyOf } from "./families/index.ts";
import type { Fields } from "./fields.ts";
import { readJson } from "./files.ts";
import type { Architecture, Block, Model, Stages } from "./model.ts";

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
  const { architecture, checkpoint } = parts;
  let done = 0;
  const fetch = async (names: readonly string[]): Promise<Source<T>> => {
    const stored = new Map<string, RawTensor>();
    for (const name of names) {
      signal?.throwIfAborted();
      stored.set(name, await checkpoint.read(name, { signal }));
      onProgress?.({ done: ++done, total: checkpoint.names.length });
    }
    return (name, shape) =>
      engine.written(shape, (numbers) => {
        const raw = stored.get(name);
        if (raw !== undefined) decodeInto(raw, numbers, name); // `names` covers what is asked
      });
  };
  const now: Source<T> = (name, shape) =>
    engine.written(shape, (numbers) => checkpoint.readInto(name, numbers));
  const free = (stage: readonly Block<T>[]): void => engine.free(stage);
  const model = await build(engine, parts, fetch, options.stream ? { now, free } : undefined);
  const sha256 =
    options.hash === false ? undefined : await checkpointSha256(checkpoint, { signal });
  return {
    name: options.name ?? lastPart(folder.name),
    ...(sha256 !== undefined && { sha256 }),
    architecture,
    ...model,
  };
}

/** A model's shapes without its numbers, to know costs before anything but headers is read. */
export async function outlineModel(
  folder: Folder,
  options: Pick<LoadOptions, "name" | "signal"> = {},
): Promise<Model<Priced>> {
  const parts = await openParts(folder, options.signal);
  const ops: CostOps = cost();
  const model = await build(ops, parts, async () => (_name, shape) => ops.given(shape));
  return {
    name: options.name ?? lastPart(folder.name),
    architecture: parts.architecture,
    ...model,
  };
}

/** The architecture that a config.json describes. */
export function architectureOf(config: Readonly<Record<string, unknown>>): Architecture {
  const { family, fields } = familyOf(config);
  return family.architecture(fields);
}

interface Parts {
  readonly family: Family;
  readonly fields: Fields;
  readonly architecture: Architecture;
  readonly checkpoint: Checkpoint;
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
  const { family, fields } = familyOf(config);
  const architecture = family.architecture(fields);
  return { family, fields, architecture, checkpoint: await openCheckpoint(folder, { signal }) };
}

interface Streaming<T> {
  /** A tensor, read at once. */
  readonly now: Source<T>;
  free(stage: readonly Block<T>[]): void;
}

/** Layer by layer, so that only one layer's numbers are on the host at a time. */
async function build<T extends Shaped>(
  ops: Ops<T>,
  { family, fields, architecture, checkpoint }: Parts,
  fetch: (names: readonly string[]) => Promise<Source<T>>,
  streaming: Streaming<T> | undefined = undefined,
): Promise<Pick<Model<T>, "embed" | "stages" | "final">> {
  const prefix =
    family.prefixes.find((start) =>
      checkpoint.names.some((name) => start !== "" && name.startsWith(start)),
    ) ?? "";
  const used = new Set<string>();
  const inLayer = (name: string, layer: number): boolean =>
    name.startsWith(prefix + family.layerPrefix(layer));
  const ofALayer = new RegExp(
    `^${family.layerPrefix(0).replace("0", "\\d+").replaceAll(".", "\\.")}`,
  );
  // Checkpoints of tied models often store the embedding a second time, as the unembedding.
  const isCopy = (name: string): boolean =>
    architecture.tied && /(^|\.)(lm_head|embed_out)\.weight$/.test(name);
  const weights = checkpoint.names.filter((name) => !family.ignored.test(name) && !isCopy(name));

  const outside = weights.filter((name) => !ofALayer.test(name.slice(prefix.length)));
  const endsFrom = getFrom(ops, checkpoint, prefix, await fetch(outside), used);
  const ends = ops.scope(() => family.ends(endsFrom, fields, architecture));
  let stages: Stages<T>;
  if (streaming === undefined) {
    const all: Block<T>[][] = [];
    for (let layer = 0; layer < architecture.layers; layer++) {
      const source = await fetch(weights.filter((name) => inLayer(name, layer)));
      const get = getFrom(ops, checkpoint, prefix, source, used);
      all.push(...ops.scope(() => family.layer(get, fields, architecture, layer)));
    }
    stages = all;
  } else {
    // Names and sizes are checked now, on shapes alone; numbers are read when a stage is reached.
    const shapes = cost();
    const outline = getFrom(shapes, checkpoint, prefix, (_, shape) => shapes.given(shape), used);
    let length = 0;
    for (let layer = 0; layer < architecture.layers; layer++) {
      length += family.layer(outline, fields, architecture, layer).length;
    }
    const get = getFrom(ops, checkpoint, prefix, streaming.now, used);
    const layer = (n: number): readonly (readonly Block<T>[])[] =>
      ops.scope(() => family.layer(get, fields, architecture, n));
    stages = streamed(layer, architecture.layers, length, streaming.free);
  }
  const odd = weights.filter((name) => !used.has(name));
  if (odd.length > 0) {
    throw new InputError({
      code: "transformer/unexpected-tensor",
      message: `${checkpoint.name} holds ${odd.length} tensors that a ${architecture.family} model of ${architecture.layers} layers has no place for: ${odd.slice(0, 3).join(", ")}${odd.length > 3 ? ", …" : ""}.`,
      remedy:
        "Leaving them out would give another model; check model_type and the number of layers in config.json.",
      details: { names: odd },
    });
  }
  return { ...ends, stages };
}

/** Stages that are read when they are reached and freed when the next one is asked for. */
function streamed<T>(
  read: (layer: number) => readonly (readonly Block<T>[])[],
  layers: number,
  length: number,
  free: (stage: readonly Block<T>[]) => void,
): Stages<T> {
  return {
    length,
    *[Symbol.iterator]() {
      for (let layer = 0; layer < layers; layer++) {
        const stages = read(layer);
        try {
          for (const stage of stages) yield stage;
        } finally {
          for (const stage of stages) free(stage);
        }
      }
    },
  };
}

function getFrom<T extends Shaped>(
  ops: Ops<T>,
  checkpoint: Checkpoint,
  prefix: string,
  source: Source<T>,
  used: Set<string>,
): Get<T> {
  const full = (name: string): string => (checkpoint.has(prefix + name) ? prefix + name : name);
  const get = (name: string, shape: Shape, into: Readonly<Record<Axis, Shape>> = {}): T => {
    const stored = full(name);
    if (!checkpoint.has(stored)) {
      throw new InputError({
        code: "transformer/missing-tensor",
        message: `${checkpoint.name} has no tensor ${prefix + name}.`,
        remedy: "Check that config.json belongs to these weights.",
        details: { tensor: prefix + name },
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
  return Object.assign(get, { has: (name: string): boolean => checkpoint.has(full(name)), ops });
}

function lastPart(name: string): string {
  return name.split(/[\\/]/).filter(Boolean).at(-1) ?? name;
}
