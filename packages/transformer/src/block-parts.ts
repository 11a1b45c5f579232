import { type Ops, type Shape, type Shaped, sizeAlong, takeEntries } from "@resolvent/tensor";
import { type Architecture, type Block, hasBiases } from "./model.ts";
import { blockWrite } from "./residual-stream.ts";
import type { Sites } from "./sites.ts";

/**
 * A kind of node: parts of blocks, which together, with a constant, write what the block writes. Those of a block are
 * computed together.
 *
 * ```ts
 * const kind: Parts = {
 *   count: ({ d_mlp }) => d_mlp / 2,
 *   name: (layer, index) => `L${layer}.pair${index}`,
 *   writes: (ops, block, read, sites) => …,
 * };
 * await expandPaths(cpu, model, tokens, { level: { name: "pair", mlp: kind } });
 * ```
 */
export interface Parts {
  /** How many of them the block of a layer has. */
  count(architecture: Architecture, layer: number): number;
  /** The name of one: `L0.H3`. */
  name(layer: number, index: number): string;
  /**
   * The site of the block whose value has an entry for each of them along an axis, by which what one writes can be
   * replaced in a run: `head` along `head`. Where absent it cannot.
   */
  readonly site?: { readonly name: string; readonly axis: string };
  /** By which it reads the stream, where these are several: receivers of their own. */
  readonly inputs?: readonly string[];
  /**
   * What each of them writes when the block reads `read`, gates as `sites` has them.
   *
   * @param read `…, pos, d_model`
   * @param given by name, for inputs that read another stream than `read`
   */
  writes<T extends Shaped>(
    ops: Ops<T>,
    block: Block<T>,
    read: T,
    sites: Sites<T>,
    given?: Readonly<Record<string, T>>,
  ): PartWrites<T>;
  /** What belongs to no part, by name: `b_O`. Where absent it is found as what is missing, and has no name. */
  readonly constant?: {
    readonly name: string;
    /** `d_model` */
    of<T extends Shaped>(ops: Ops<T>, block: Block<T>): T | undefined;
  };
  /**
   * Axes of the block's weights along which parts lie, in their order: a read that has them gives each part a stream
   * of its own. Where absent, or undefined because a part's write depends on what other parts read, every part is run
   * on all streams.
   */
  axes?<T extends Shaped>(block: Block<T>): Shape | undefined;
  /**
   * The block with one part alone and without what belongs to none, and what becomes of its gates; undefined where
   * that cannot be cut out. A shortcut: what it writes, its gates held, is the part's row of `writes`.
   */
  alone?<T extends Shaped>(
    ops: Ops<T>,
    block: Block<T>,
    index: number,
  ): { readonly block: Block<T>; gate(gate: T): T } | undefined;
}

/** What the nodes of a block write. */
export interface PartWrites<T> {
  /** What the block writes: all of them, and what belongs to none: `…, pos, d_model`. */
  readonly whole: T;
  /** `node, …, pos, d_model`, in any memory order; of nodes with a direction each, how far along it: `node, …, pos`. */
  readonly each: T;
  /** The one direction that each writes along, where that is so: `node, d_model`. */
  readonly directions?: T;
}

/** What each node of a block writes; a block that is not divided is one node. */
export function partWrites<T extends Shaped>(
  ops: Ops<T>,
  parts: Parts | undefined,
  block: Block<T>,
  read: T,
  sites: Sites<T>,
): PartWrites<T> {
  return parts === undefined
    ? alone(ops, blockWrite(ops, block, read, sites))
    : parts.writes(ops, block, read, sites);
}

/**
 * What each node writes when each of its inputs reads a stream of its own.
 *
 * @param reads by input: `…, node, pos, d_model`
 */
export function ownWrites<T extends Shaped>(
  ops: Ops<T>,
  parts: Parts | undefined,
  block: Block<T>,
  reads: readonly T[],
  sites: Sites<T>,
): PartWrites<T> {
  const [read] = reads as [T]; // whatever reads has an input
  if (parts === undefined) {
    return alone(ops, blockWrite(ops, block, ops.sum(read, ["node"]), sites));
  }
  const { inputs = [] } = parts;
  const axes = parts.axes?.(block);
  const own = reads.map((x) =>
    axes === undefined ? ops.rename(x, { node: "reader" }) : ops.split(x, "node", axes),
  );
  const given = Object.fromEntries(inputs.map((input, i) => [input, own[i] as T])); // as many
  // Where every input is given, what else the block would read is none of theirs.
  const rest = inputs.length > 0 ? someOf(ops, read) : (own[0] as T);
  const made = parts.writes(ops, block, rest, sites, given);
  if (axes !== undefined) return made;
  const count = sizeAlong(read.shape, "node", block.name);
  const same = ops.constant(
    { reader: count, node: count },
    Array.from({ length: count ** 2 }, (_, i) => (i % (count + 1) === 0 ? 1 : 0)),
  );
  const { directions } = made;
  const each = ops.sum(ops.mul(made.each, same), ["reader"]);
  const along = directions && { directions };
  const sum =
    directions === undefined ? ops.sum(each, ["node"]) : ops.matmul(each, directions, ["node"]);
  const constant = constantOf(ops, parts, block, made);
  if (constant === undefined) return { each, ...along, whole: sum };
  // What is found as missing is so for every stream, the same.
  const found = "reader" in constant.shape;
  const one = found ? ops.sum(ops.slice(constant, "reader", 0, 1), ["reader"]) : constant;
  return { each, ...along, whole: ops.add(sum, one) };
}

/** The first of the streams. */
function someOf<T extends Shaped>(ops: Ops<T>, reads: T): T {
  return ops.sum(ops.slice(reads, "node", 0, 1), ["node"]);
}

function alone<T extends Shaped>(ops: Ops<T>, whole: T): PartWrites<T> {
  const d_model = sizeAlong(whole.shape, "d_model", "alone");
  return { whole, each: ops.split(whole, "d_model", { node: 1, d_model }) }; // no copy
}

/** What one node writes when it reads `read`, its constants included: `…, pos, d_model`. */
export function nodeWrite<T extends Shaped>(
  ops: Ops<T>,
  { part }: { readonly part: { readonly of: Parts; readonly index: number } | undefined },
  block: Block<T>,
  read: T,
  sites: Sites<T>,
): T {
  if (part === undefined) return blockWrite(ops, block, read, sites);
  return someParts(ops, part.of.writes(ops, block, read, sites), [part.index]);
}

/** What each writes, in full: `node, …, pos, d_model`, in any memory order. */
export function everyPart<T extends Shaped>(
  ops: Ops<T>,
  { each, directions }: Pick<PartWrites<T>, "each" | "directions">,
): T {
  return directions === undefined ? each : ops.mul(each, directions);
}

/** What some of them write together: `…, pos, d_model`. */
export function someParts<T extends Shaped>(
  ops: Ops<T>,
  { each, directions }: Pick<PartWrites<T>, "each" | "directions">,
  which: readonly number[],
): T {
  const some = takeEntries(ops, each, "node", which, "node");
  if (directions === undefined) return ops.sum(some, ["node"]);
  return ops.matmul(some, takeEntries(ops, directions, "node", which, "node"), ["node"]);
}

/**
 * What a block writes that belongs to none of its parts, where there is such a thing: `d_model`, or `…, pos, d_model`
 * where it is found as what `made` is missing.
 */
export function constantOf<T extends Shaped>(
  ops: Ops<T>,
  parts: Parts,
  block: Block<T>,
  made: PartWrites<T>,
): T | undefined {
  if (parts.constant !== undefined) return parts.constant.of(ops, block);
  if (!hasBiases(block)) return undefined;
  const { each, directions, whole } = made;
  const sum =
    directions === undefined ? ops.sum(each, ["node"]) : ops.matmul(each, directions, ["node"]);
  return ops.sub(whole, sum);
}
