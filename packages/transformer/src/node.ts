import { InputError } from "@resolvent/tensor";
import type { Parts } from "./block-parts.ts";
import { checkHead, headNamed } from "./head-name.ts";
import { headParts } from "./heads.ts";
import type { Architecture } from "./model.ts";
import { neuronParts } from "./neurons.ts";
import type { Site } from "./sites.ts";
import { type BlockPlace, blockPlaces } from "./structure.ts";

/**
 * Something that writes into the stream of a model: what is there at its start, a block, or a part of a block. Sources
 * and receivers of patches, players, the steps of a path and the sides of a score are choices of nodes.
 */
export interface Node {
  /** `embed`, `L0.attn`, `L0.H3`, `L0.N12` */
  readonly name: string;
  /** It reads the stream before this stage, and what it writes is there after it; −1 for what is there at the start. */
  readonly stage: number;
  /** Its block; undefined for what is of none. */
  readonly block: string | undefined;
  /** Which part of the block; undefined for the whole. */
  readonly part: { readonly of: Parts; readonly index: number } | undefined;
}

/** How far a model is divided into nodes: the parts of its attention blocks and MLPs; blocks are whole where absent. */
export interface Level {
  readonly name: string;
  readonly attn?: Parts;
  readonly mlp?: Parts;
}

/** Whole blocks; heads and MLPs; heads and neurons. */
export type LevelName = "block" | "head" | "neuron";

const LEVELS: Readonly<Record<LevelName, Level>> = {
  block: { name: "block" },
  head: { name: "head", attn: headParts },
  neuron: { name: "neuron", attn: headParts, mlp: neuronParts },
};

/** A level by its name, or as it is. */
export function levelOf(level: LevelName | Level): Level {
  return typeof level === "string" ? LEVELS[level] : level;
}

/** The nodes of a model that read and write, stage by stage. */
export function nodesOf(architecture: Architecture, level: LevelName | Level): Node[][] {
  return blockPlaces(architecture).map((blocks) =>
    blocks.flatMap((place) => blockNodes(architecture, place, levelOf(level))),
  );
}

function blockNodes(architecture: Architecture, place: BlockPlace, level: Level): Node[] {
  const { name: block, kind, layer, stage } = place;
  const parts = level[kind];
  if (parts === undefined) return [{ name: block, stage, block, part: undefined }];
  return Array.from({ length: parts.count(architecture, layer) }, (_, index) => ({
    ...{ name: parts.name(layer, index), stage, block },
    part: { of: parts, index },
  }));
}

/**
 * What begins the stream, or passes a point of it whole, as a node: `embed`, `embed.token`, or the stream that a block
 * reads, `L1.attn.read`. It reads nothing; the site of that name has what it writes.
 */
export function siteNode(site: Site, stage: number): Node {
  return { name: site, stage, block: undefined, part: undefined };
}

/** The stream before each stage as a node: `L0.attn.read`, `L0.mlp.read`, … */
export function streamNodes(architecture: Architecture): Node[] {
  return blockPlaces(architecture).flatMap(([first], stage) =>
    first === undefined ? [] : [siteNode(`${first.name}.read`, stage - 1)],
  );
}

/**
 * The nodes of a name, in any spelling: a block `L0.attn`, a layer `L0` (its blocks), a head `L0.H3` or `0.3`, a neuron
 * `L0.N12`, or a node of a level; none where there is no such name.
 *
 * @throws InputError `transformer/no-head` for a head, `transformer/no-node` for a neuron, that the model does not have
 */
export function nodesNamed(architecture: Architecture, name: string, level?: Level): Node[] {
  const places = blockPlaces(architecture).flat();
  const whole = places.filter((place) => place.name === name || `L${place.layer}` === name);
  if (whole.length > 0) {
    return whole.flatMap((place) => blockNodes(architecture, place, LEVELS.block));
  }
  const own =
    level &&
    nodesOf(architecture, level)
      .flat()
      .find((node) => node.name === name);
  if (own !== undefined) return [own];
  const head = headNamed(name);
  if (head !== undefined) {
    checkHead(architecture, head);
    return [partNode(places, "attn", headParts, head.layer, head.head)];
  }
  const [, layer, index] = /^L(\d{1,6})\.N(\d{1,9})$/.exec(name) ?? [];
  if (layer === undefined || index === undefined) return [];
  const { layers, d_mlp } = architecture;
  if (Number(layer) >= layers || Number(index) >= d_mlp) {
    throw new InputError({
      code: "transformer/no-node",
      message: `There is no neuron ${name}: the model has ${layers} layers of ${d_mlp} neurons.`,
      remedy: "Neurons are named by layer and index, both counted from 0: L0.N12.",
      details: { got: name, layers, d_mlp },
    });
  }
  return [partNode(places, "mlp", neuronParts, Number(layer), Number(index))];
}

function partNode(
  places: readonly BlockPlace[],
  kind: "attn" | "mlp",
  of: Parts,
  layer: number,
  index: number,
): Node {
  const place = places.find((one) => one.layer === layer && one.kind === kind);
  return {
    name: of.name(layer, index),
    stage: place?.stage ?? -1, // the layer has been checked
    block: place?.name,
    part: { of, index },
  };
}
