import { type Axis, axesOf, type CostOps, cost, type Priced, type Shape } from "@resolvent/tensor";
import type { Get } from "./families/family.ts";
import { readConfig } from "./families/index.ts";
import { type Architecture, type Block, mapBlock } from "./model.ts";

/** A tensor of a checkpoint: what it is called, without a prefix, and its sizes, last axis fastest. */
export interface TensorPlace {
  readonly name: string;
  readonly shape: readonly number[];
  /** What each of its axes is made of, slowest first: `{ kv_head, group, d_head }`, `{ d_model }`. */
  readonly axes: readonly Shape[];
}

/** What a checkpoint of a config.json holds, by place. */
export interface TensorLayout {
  readonly architecture: Architecture;
  /** What names may begin with, but for the unembedding of a tie, which has none. */
  readonly prefixes: readonly string[];
  readonly embed: readonly TensorPlace[];
  /** The start of the names of a layer's tensors: `h.3.`. */
  layerPrefix(layer: number): string;
  /** A layer's tensors in the order in which they are read, and what else its blocks are made of, as text. */
  layer(layer: number): { readonly tensors: readonly TensorPlace[]; readonly settings: string };
  /** The norm before the unembedding; and the unembedding, where it is not the embedding. */
  readonly final: readonly TensorPlace[];
  /** The names of embedding and unembedding where they may be one matrix. */
  readonly tie: { readonly embedding: string; readonly unembedding: string } | undefined;
  /** Whether a tensor holds no weights: a mask, a table. */
  ignored(name: string): boolean;
}

/** Reads tensors that are not there, and writes down which. */
interface Recorder {
  readonly get: Get<Priced>;
  readonly places: TensorPlace[];
  /** The name of a tensor that was given whole. */
  nameOf(value: unknown): string | undefined;
}

/**
 * The tensors that a config.json describes, without a checkpoint: for what takes checkpoints apart and puts them
 * together. `has` tells which there are, for the families in which some may be absent; default all.
 *
 * @throws InputError `transformer/unsupported-config`, `transformer/bad-config`
 */
export function tensorLayout(
  config: Readonly<Record<string, unknown>>,
  has: (name: string) => boolean = () => true,
): TensorLayout {
  const { family, fields, architecture } = readConfig(config);
  const ends = recorder(has);
  const { embed } = family.ends(ends.get, fields, architecture);
  const embedding = new Set(Object.values(embed).map(ends.nameOf));
  return {
    architecture,
    prefixes: family.prefixes,
    embed: ends.places.filter(({ name }) => embedding.has(name)),
    layerPrefix: family.layerPrefix,
    layer: (layer) => {
      const { get, places } = recorder(has);
      const blocks = family.layer(get, fields, architecture, layer);
      return { tensors: places, settings: settingsOf(blocks.flat()) };
    },
    final: ends.places.filter(({ name }) => !embedding.has(name)),
    tie: family.tie,
    ignored: (name) => family.ignored.test(name),
  };
}

function recorder(has: (name: string) => boolean): Recorder {
  const ops: CostOps = cost();
  const places: TensorPlace[] = [];
  const names = new Map<unknown, string>();
  const get = (name: string, shape: Shape, into: Readonly<Record<Axis, Shape>> = {}): Priced => {
    let value = ops.given(shape);
    names.set(value, name);
    const sizes = axesOf(shape).map((axis) => shape[axis] as number); // its own axes
    const axes = axesOf(shape).map((axis) => into[axis] ?? { [axis]: shape[axis] as number });
    if (!places.some((place) => place.name === name)) places.push({ name, shape: sizes, axes });
    for (const [axis, parts] of Object.entries(into)) value = ops.split(value, axis, parts);
    return value;
  };
  return {
    get: Object.assign(get, { has, ops }),
    places,
    nameOf: (value) => names.get(value),
  };
}

/** All of a layer's blocks but names and numbers: windows, rotations, scales, activations. */
function settingsOf(blocks: readonly Block<Priced>[]): string {
  const shapes = blocks.map((block) => ({
    ...mapBlock(block, ({ shape }) => ({ shape })),
    name: "",
    layer: 0,
  }));
  return JSON.stringify(shapes);
}
