import { axesOf, type Shape, type Shaped, sizeOf } from "@resolvent/tensor";
import type { Architecture, Block, TensorPlace } from "@resolvent/transformer";
import type { Dtype } from "@resolvent/weights";
import type { OpenMergeModel } from "../model.ts";
import { type ModelParts, modelParts } from "../model-parts.ts";
import { refuse } from "../refuse.ts";

/** What a part of a tensor counts: something that may be put in another order, or anything else. */
export type Kind = "residual" | "mlp" | "heads" | "kv" | "d_head" | "role" | "fixed";

/** An axis of a tensor, or what a part of an axis counts: entries that are `stride` apart. */
export interface Part {
  readonly kind: Kind;
  readonly size: number;
  readonly stride: number;
  /** Whether entries change their sign with the coordinate of the residual stream; the scales of norms do not. */
  readonly signed: boolean;
}

/** A tensor of a model and what its entries are counted by. */
export interface Placed {
  /** Its name without a prefix. */
  readonly place: string;
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Slowest first. */
  readonly parts: readonly Part[];
  /** What of the model it holds, by the paths of `mapWeights`. */
  readonly holds: readonly string[];
  /** Where it is a stretch of a tensor: the index of its first row. The shape is the stretch's. */
  readonly from?: number;
  /** −1 outside of the layers. */
  readonly layer: number;
  /** A second copy of a tied embedding, which no model computes with. */
  readonly copy: boolean;
}

/** How many there are of what may be put in another order. */
export interface Sizes {
  readonly residual: number;
  /** Whether the signs of the residual basis are free too: with RMSNorms, or without norms. */
  readonly signsFree: boolean;
  readonly layers: readonly {
    readonly mlp: number;
    readonly kvHeads: number;
    /** Query heads of each key-value head. */
    readonly group: number;
  }[];
}

/** A model seen as what may be put in another order. */
export interface PlacedModel {
  readonly name: string;
  readonly tensors: readonly Placed[];
  readonly sizes: Sizes;
  readonly architecture: Architecture;
  /** The blocks of a layer, of shapes. */
  blocks(layer: number): readonly Block<Shaped>[];
  /** What the unembedding is called where it is stored by itself; absent where it is never the embedding. */
  readonly unembedding?: string;
  /** Tensors without weights. */
  readonly leftOut: readonly string[];
}

const KINDS: Readonly<Record<string, Kind>> = {
  d_model: "residual",
  d_mlp: "mlp",
  kv_head: "kv",
  d_head: "d_head",
  role: "role",
  ...{ vocab: "fixed", context: "fixed" },
};

/**
 * The tensors of a model with the parts of their axes, from its config.json and headers.
 *
 * @throws InputError `merge/align-axis` where nothing is known of the order of an axis, and what `planMerge` throws of a model
 */
export function placed(model: OpenMergeModel): PlacedModel {
  const parts = modelParts(model.folder.name, model);
  const { layout } = parts;
  const layers = Array.from({ length: parts.layers }, (_, layer) => layout.layer(layer).tensors);
  const tensors = [
    ...layout.embed.map((place) => placeOf(parts, place, -1)),
    ...layers.flatMap((places, layer) => places.map((place) => placeOf(parts, place, layer))),
    ...layout.final.map((place) => placeOf(parts, place, -1)),
  ];
  const copy = copyOfTied(parts, tensors);
  const { architecture, tie } = layout;
  return {
    name: parts.name,
    architecture,
    blocks: (layer) => layout.layer(layer).blocks,
    ...(tie !== undefined && { unembedding: tie.unembedding }),
    tensors: [...tensors, ...(copy === undefined ? [] : [copy])],
    sizes: {
      residual: architecture.d_model,
      signsFree: architecture.norm !== "layer",
      layers: layers.map((places) => {
        const axes = places.flatMap((place) => place.axes.map((axis) => split(parts, axis)));
        const size = (name: string): number =>
          axes.find((axis) => axis[name] !== undefined)?.[name] ?? 0;
        return { mlp: size("d_mlp"), kvHeads: size("kv_head"), group: size("group") };
      }),
    },
    leftOut: parts.leftOut,
  };
}

function placeOf(parts: ModelParts, { name, axes, holds }: TensorPlace, layer: number): Placed {
  const found = parts.stored(name);
  if (found === undefined) throw refuse("tensor-missing", `${parts.name} has no ${name}.`, ""); // modelParts found it
  const whole = axes.map((axis) => split(parts, axis));
  return {
    ...found,
    place: name,
    // The scale of a norm keeps its sign.
    parts: partsOf(
      whole,
      !holds.some((path) => path.endsWith(".scale")),
      `${found.name} of ${parts.name}`,
    ),
    holds,
    layer,
    copy: false,
  };
}

function copyOfTied(parts: ModelParts, tensors: readonly Placed[]): Placed | undefined {
  const { tie } = parts.layout;
  if (tie === undefined || tensors.some(({ place }) => place === tie.unembedding)) return undefined;
  const found = parts.stored(tie.unembedding);
  const embedding = tensors.find(({ place }) => place === tie.embedding);
  if (found === undefined || embedding === undefined) return undefined;
  return { ...embedding, ...found, place: tie.unembedding, holds: ["final.W_U"], copy: true };
}

/** GPT-2 stores queries, keys and values one after the other in one axis, and slices it. */
function split({ layout }: ModelParts, axis: Shape): Shape {
  if (axis.qkv === undefined) return axis;
  const { kv_heads, d_head } = layout.architecture;
  return { role: 3, kv_head: kv_heads, d_head };
}

function partsOf(axes: readonly Shape[], signed: boolean, where: string): Part[] {
  const parts: Part[] = [];
  let stride = axes.reduce((n, axis) => n * sizeOf(axis), 1);
  for (const axis of axes) {
    for (const name of axesOf(axis)) {
      if (name === "group") continue; // counted with its key-value head
      const grouped = name === "kv_head" && axis.group !== undefined;
      const size = (axis[name] as number) * (grouped ? (axis.group as number) : 1); // its own axes
      const kind = grouped ? "heads" : Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
      if (kind === undefined) {
        throw refuse(
          "align-axis",
          `${where} has an axis ${name}, of whose order nothing is known.`,
          "Align models whose axes are tokens, positions, the residual stream, heads and neurons.",
          { axis: name },
        );
      }
      stride /= size;
      parts.push({ kind, size, stride, signed: signed && kind === "residual" });
    }
  }
  return parts;
}
