import {
  type Axis,
  axesOf,
  type CostOps,
  cost,
  type Priced,
  type Shape,
  type Shaped,
} from "@resolvent/tensor";
import type { Get } from "./families/family.ts";
import { readConfig } from "./families/index.ts";
import { type Architecture, type Block, mapBlock } from "./model.ts";

/** A tensor of a checkpoint: what it is called, without a prefix, and its sizes, last axis fastest. */
export interface TensorPlace {
  readonly name: string;
  readonly shape: readonly number[];
  /** What each of its axes is made of, slowest first: `{ kv_head, group, d_head }`, `{ d_model }`. */
  readonly axes: readonly Shape[];
  /**
   * What of the model it holds, by the paths of `mapWeights`: `L0.attn.W_Q`, `embed.W_E`. More than one where matrices are
   * stored as one, in their order there, and of an embedding that is the unembedding too; none where it is used in a product.
   */
  readonly holds: readonly string[];
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
  layer(layer: number): {
    readonly tensors: readonly TensorPlace[];
    readonly settings: string;
    /** Its blocks, of shapes. */
    readonly blocks: readonly Block<Shaped>[];
  };
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
  /** What was read, with what of a model's weights it is. */
  placesOf(weights: readonly (readonly [path: string, weight: Priced])[]): TensorPlace[];
  /** The names of the tensors that a weight is made of. */
  namesOf(value: unknown): readonly string[];
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
  const { embed, final } = family.ends(ends.get, fields, architecture);
  const embedding = new Set(Object.values(embed).flatMap(ends.namesOf));
  const places = ends.placesOf([...weightsIn(embed, "embed"), ...weightsIn(final, "final")]);
  return {
    architecture,
    prefixes: family.prefixes,
    embed: places.filter(({ name }) => embedding.has(name)),
    layerPrefix: family.layerPrefix,
    layer: (layer) => {
      const { get, placesOf } = recorder(has);
      const blocks = family.layer(get, fields, architecture, layer).flat();
      const weights = blocks.flatMap((block) => weightsIn(block, block.name));
      return { tensors: placesOf(weights), settings: settingsOf(blocks), blocks };
    },
    final: places.filter(({ name }) => !embedding.has(name)),
    tie: family.tie,
    ignored: (name) => family.ignored.test(name),
  };
}

function recorder(has: (name: string) => boolean): Recorder {
  const ops: CostOps = cost();
  const places = new Map<string, Omit<TensorPlace, "holds">>();
  const names = new Map<unknown, ReadonlySet<string>>();
  const namesOf = (value: unknown): readonly string[] => [...(names.get(value) ?? [])];
  /** What is made of tensors by layout, or by adding, stands for them. */
  const madeOf = (value: Priced, ...from: readonly Priced[]): Priced => {
    names.set(value, new Set(from.flatMap(namesOf)));
    return value;
  };
  const marking: CostOps = {
    ...ops,
    split: (a, axis, into) => madeOf(ops.split(a, axis, into), a),
    join: (a, axes, into) => madeOf(ops.join(a, axes, into), a),
    slice: (a, axis, start, end) => madeOf(ops.slice(a, axis, start, end), a),
    add: (a, b) => madeOf(ops.add(a, b), a, b),
  };
  const get = (name: string, shape: Shape, into: Readonly<Record<Axis, Shape>> = {}): Priced => {
    let value = ops.given(shape);
    names.set(value, new Set([name]));
    const sizes = axesOf(shape).map((axis) => shape[axis] as number); // its own axes
    const axes = axesOf(shape).map((axis) => into[axis] ?? { [axis]: shape[axis] as number });
    if (!places.has(name)) places.set(name, { name, shape: sizes, axes });
    for (const [axis, parts] of Object.entries(into)) value = marking.split(value, axis, parts);
    return value;
  };
  return {
    get: Object.assign(get, { has, ops: marking }),
    placesOf: (weights) =>
      [...places.values()].map((place) => ({
        ...place,
        holds: weights.flatMap(([path, weight]) =>
          namesOf(weight).includes(place.name) ? [path] : [],
        ),
      })),
    namesOf,
  };
}

/** The weights in a part of a model, by path. */
function weightsIn(part: object, path: string): [string, Priced][] {
  if ("shape" in part) return [[path, part as Priced]]; // that is what a weight is
  return Object.entries(part).flatMap(([key, value]: [string, unknown]) =>
    typeof value === "object" && value !== null ? weightsIn(value, `${path}.${key}`) : [],
  );
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
