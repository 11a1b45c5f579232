import {
  InputError,
  type Ops,
  type Shape,
  type Shaped,
  sizeAlong,
  type Tensor,
} from "@resolvent/tensor";
import { noSite } from "./known-sites.ts";
import type { Model } from "./model.ts";
import { type NodePlace, nodePlaces } from "./node-place.ts";
import { siteAxes } from "./site-names.ts";
import type { Replacements, Site } from "./sites.ts";

/** What some nodes write is replaced. */
export interface Ablation {
  /** Blocks, layers, heads, neurons by name: `L0.attn`, `L0`, `L0.H3`, `L0.N12`. */
  readonly nodes: readonly string[];
  /** Where; −1 is the last. Default: everywhere. */
  readonly positions?: readonly number[];
  /**
   * What they write instead, by site, from `meanValues` or `runValues`: by position where the values have `pos`, else
   * the same everywhere. Default: zero.
   */
  readonly values?: ReadonlyMap<Site, Tensor> | undefined;
}

/** A vector is added to a value of a run. */
export interface Steering {
  /** A site of one vector at each position: `L1.mlp.after`, `L0.mlp.post`. */
  readonly site: Site;
  /** As many numbers as the site has at a position, in its order. */
  readonly vector: ArrayLike<number>;
  /** What the vector is multiplied with; default 1. */
  readonly scale?: number;
  /** Where; −1 is the last. Default: everywhere. */
  readonly positions?: readonly number[];
}

/** A change of a run that is not one of its input. */
export type Intervention = Ablation | Steering;

/**
 * Interventions as what a run replaces; of several at one site each works on what the one before has left.
 *
 * A head is replaced at the site `head` (`b_O` stays), a neuron at `post` (a norm behind it is computed anew), a block
 * at `write`, its biases included.
 *
 * ```ts
 * const replace = replacements(cpu, model, [{ nodes: ["L0.H3"] }, { site: "L1.mlp.after", vector }]);
 * run(cpu, model, ids, { replace });
 * ```
 *
 * @param options `start`: the run is a step of a text that is generated, and this its first position; counting from
 * the end then has no meaning
 * @throws InputError `transformer/no-node`, `transformer/no-head`, `transformer/no-site`, `transformer/bad-vector`; from
 * the run `transformer/no-position`, `transformer/reference-length`
 */
export function replacements<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  interventions: readonly Intervention[],
  { start }: { readonly start?: number } = {},
): Replacements<T> {
  const bySite = new Map<Site, (value: T) => T>();
  const add = (site: Site, change: (value: T) => T): void => {
    const before = bySite.get(site);
    bySite.set(site, before === undefined ? change : (value) => change(before(value)));
  };
  for (const one of interventions) {
    if ("site" in one) add(one.site, steered(ops, model, one, start));
    else {
      for (const place of nodePlaces(model.architecture, one.nodes)) {
        add(place.site, ablated(ops, place, one, start));
      }
    }
  }
  return Object.fromEntries(bySite);
}

/** `value · (1 − mask) + reference · mask` */
function ablated<T extends Shaped>(
  ops: Ops<T>,
  { site, axis, indices }: NodePlace,
  { positions, values }: Ablation,
  start: number | undefined,
): (value: T) => T {
  const reference = values?.get(site);
  if (values !== undefined && reference === undefined) {
    throw new InputError({
      code: "transformer/no-reference",
      message: `There is no value for the site ${site} among those that are written instead.`,
      remedy: "Ask meanValues or runValues for the sites that ablatedSites names.",
      details: { site, got: [...values.keys()] },
    });
  }
  return (value) => {
    const where = positionMask(value.shape, positions, start);
    const which = axis === undefined ? undefined : indexMask(value.shape, axis, indices);
    const mask = outer([where, which].filter((one) => one !== undefined));
    const on = ops.constant(mask.shape, mask.data);
    const off = mask.data.map((entry) => 1 - entry);
    const kept = ops.mul(value, ops.constant(mask.shape, off));
    if (reference === undefined) return kept;
    const own = referenceFor(reference, value.shape, site, start);
    return ops.add(kept, ops.mul(ops.constant(own.shape, own.data), on));
  };
}

function steered<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  { site, vector, scale = 1, positions }: Steering,
  start: number | undefined,
): (value: T) => T {
  const axes = siteAxes(site);
  if (axes === undefined) throw noSite(model, site, { exact: true });
  const [pos, axis, ...more] = axes;
  const sizes: Readonly<Record<string, unknown>> = { ...model.architecture };
  const size = axis === undefined ? undefined : sizes[axis];
  const odd = Array.from(vector).findIndex((x) => !Number.isFinite(x * scale));
  if (pos !== "pos" || typeof size !== "number" || more.length > 0) {
    throw badVector(
      `${site} has the axes ${axes.join(", ")}; a vector is added to what is one vector at each position.`,
      "Steer the stream, L0.attn.after, what a block writes, L0.mlp.write, or neurons, L0.mlp.post.",
      { site, axes },
    );
  }
  if (vector.length !== size) {
    throw badVector(
      `A vector for ${site} has ${size} numbers (${axis}), got ${vector.length}.`,
      `Give the ${size} numbers of ${model.name}.`,
      { site, expected: size, got: vector.length },
    );
  }
  if (odd >= 0) {
    throw badVector(
      `Number ${odd} of the vector for ${site} is ${vector[odd]}, times ${scale}, which is not finite.`,
      "Give finite numbers.",
      { site, index: odd, got: vector[odd], scale },
    );
  }
  const shape = { [axis as string]: size }; // it has a size
  const scaled = Float64Array.from(vector, (x) => x * scale);
  return (value) => {
    const where = positionMask(value.shape, positions, start);
    const added = ops.constant(shape, scaled);
    if (where === undefined) return ops.add(value, added);
    return ops.add(value, ops.mul(ops.constant(where.shape, where.data), added));
  };
}

function badVector(
  message: string,
  remedy: string,
  details: Readonly<Record<string, unknown>>,
): InputError {
  return new InputError({ code: "transformer/bad-vector", message, remedy, details });
}

/** Numbers 0 and 1. */
interface Mask {
  readonly shape: Shape;
  readonly data: readonly number[];
}

/** 1 at the positions of a run that are meant, where these are not all. */
function positionMask(
  shape: Shape,
  positions: readonly number[] | undefined,
  start: number | undefined,
): Mask | undefined {
  if (positions === undefined) return undefined;
  const pos = sizeAlong(shape, "pos", "positions");
  const first = start ?? 0;
  const odd = positions.find((at) => {
    if (start !== undefined) return !(Number.isInteger(at) && at >= 0); // later ones may come
    return !(Number.isInteger(at) && at >= -pos && at < pos);
  });
  if (odd !== undefined) {
    throw new InputError({
      code: "transformer/no-position",
      message: `There is no position ${odd} to intervene at: the text has ${first + pos} tokens${start === undefined ? "" : " so far"}.`,
      remedy:
        start === undefined
          ? `Positions are 0 to ${pos - 1}, or −1 for the last.`
          : "In a text that is generated, positions count from its start.",
      details: { got: odd, tokens: first + pos },
    });
  }
  const meant = new Set(positions.map((at) => (at < 0 ? at + pos : at - first)));
  return { shape: { pos }, data: Array.from({ length: pos }, (_, i) => (meant.has(i) ? 1 : 0)) };
}

function indexMask(shape: Shape, axis: string, indices: readonly number[]): Mask {
  const size = sizeAlong(shape, axis, "ablate");
  const meant = new Set(indices);
  const data = Array.from({ length: size }, (_, i) => (meant.has(i) ? 1 : 0));
  return { shape: { [axis]: size }, data };
}

/** The product of masks along different axes; 1 of none. */
function outer(masks: readonly Mask[]): Mask {
  return masks.reduce(
    (all, { shape, data }) => ({
      shape: { ...all.shape, ...shape },
      data: all.data.flatMap((a) => data.map((b) => a * b)),
    }),
    { shape: {}, data: [1] },
  );
}

/** What a reference says of the positions of a run. */
function referenceFor(reference: Tensor, value: Shape, site: Site, start = 0): Tensor {
  const { pos } = reference.shape;
  if (pos === undefined) return reference;
  const own = sizeAlong(value, "pos", site);
  if (start === 0 && own === pos) return reference;
  throw new InputError({
    code: "transformer/reference-length",
    message: `The reference for ${site} has ${pos} positions, and the text ${start + own}.`,
    remedy: "Take a run of as many tokens, or a mean, which has no positions.",
    details: { site, expected: start + own, got: pos },
  });
}
