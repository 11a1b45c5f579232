import { type Ids, InputError, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import {
  type Model,
  type NormWeights,
  normalize,
  plainSites,
  type Site,
} from "@resolvent/transformer";
import type { Dictionary, PositionSlice } from "./dictionary.ts";
import { type DictionarySite, siteIn, siteText } from "./site.ts";

/** Where a dictionary reads and writes in a model. */
export interface Places {
  readonly input: DictionarySite;
  readonly output: DictionarySite;
  /** The site that is replaced where the output is spliced in: the stream itself, where it is read from the stream. */
  readonly splice: Site;
}

/**
 * Where a dictionary reads in a model, whether or not it is said where it writes.
 *
 * @throws InputError `dictionary/no-site`
 */
export function inputOf<T extends Shaped>(
  model: Model<T>,
  { name, input }: Pick<Dictionary<T>, "name" | "input">,
): DictionarySite {
  if (input === undefined) throw noPlace(name, "reads");
  return siteIn(model, input);
}

function noPlace(name: string, does: "reads" | "writes"): InputError {
  return new InputError({
    code: "dictionary/no-site",
    message: `${name} does not say where it ${does}.`,
    remedy: `Pass ${does === "reads" ? "`site`" : "`output`"} when it is loaded: "L1.mlp.after".`,
    details: { name },
  });
}

/**
 * Where a dictionary reads and writes in a model.
 *
 * @throws InputError `dictionary/no-site` where neither its files nor the caller have said it
 */
export function placesOf<T extends Shaped>(model: Model<T>, dictionary: Dictionary<T>): Places {
  const { input, output } = dictionary;
  if (input === undefined) throw noPlace(dictionary.name, "reads");
  if (output === undefined) throw noPlace(dictionary.name, "writes");
  const to = siteIn(model, output);
  return { input: siteIn(model, input), output: to, splice: splicedSite(model, to) };
}

/**
 * What a block reads is a look at the stream: to go on from another stream, what has written it is replaced.
 */
function splicedSite<T extends Shaped>(model: Model<T>, { site, form }: DictionarySite): Site {
  if (form !== "value") {
    throw new InputError({
      code: "dictionary/no-splice",
      message: `What a block's norm makes of the stream (${siteText({ site, form })}) is no value that a run can go on from.`,
      remedy: "Name where the dictionary's output belongs with `output`, when it is loaded.",
      details: { site },
    });
  }
  const [, layer = "0", kind] = /^L(\d+)\.(attn|mlp)\.read$/.exec(site) ?? [];
  if (kind === undefined) return site;
  if (kind === "mlp" && !model.architecture.parallel) return `L${layer}.attn.after`;
  if (layer === "0") return "embed";
  return `L${Number(layer) - 1}.${model.architecture.d_mlp > 0 ? "mlp" : "attn"}.after`;
}

/** The positions of a text of some length that a dictionary is for: those of its slice, without those that are zero. */
export function positionsFor(
  { positions, zeroPositions }: Pick<Dictionary<Shaped>, "positions" | "zeroPositions">,
  length: number,
): number[] {
  const zero = new Set(zeroPositions.map((at) => (at < 0 ? at + length : at)));
  return sliced(positions, length).filter((at) => !zero.has(at));
}

/** Python's `range(length)[start:stop:step]`. */
function sliced(slice: PositionSlice | undefined, length: number): number[] {
  const step = slice?.step ?? 1;
  const bound = (at: number | null | undefined, open: number): number => {
    if (at === null || at === undefined) return open;
    const from = at < 0 ? at + length : at;
    return step > 0
      ? Math.max(0, Math.min(length, from))
      : Math.max(-1, Math.min(length - 1, from));
  };
  const start = bound(slice?.start, step > 0 ? 0 : length - 1);
  const stop = bound(slice?.stop, step > 0 ? length : -1);
  const out: number[] = [];
  for (let at = start; step > 0 ? at < stop : at > stop; at += step) out.push(at);
  return out;
}

function idsOf(axis: string, indices: readonly number[]): Ids {
  return { shape: { [axis]: indices.length }, data: Int32Array.from(indices) };
}

/**
 * The vectors at a site, at some positions: `row, axis`, heads flattened, the first slowest.
 *
 * @param value the site's value in a run of one text, `pos, …`
 */
export function vectorsAt<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  place: DictionarySite,
  value: T,
  positions: readonly number[],
  axis: "d_in" | "d_out",
): T {
  return ops.scope(() => {
    const rows = ops.take(value, "pos", idsOf("row", positions));
    const own = place.form === "value" ? rows : normed(ops, model, place, rows);
    return flattened(ops, own, place.head, axis);
  });
}

function flattened<T extends Shaped>(
  ops: Ops<T>,
  rows: T,
  head: number | undefined,
  axis: string,
): T {
  const heads = Object.keys(rows.shape).find((one) => one === "head" || one === "kv_head");
  const [width = ""] = Object.keys(rows.shape).filter((one) => one !== "row" && one !== heads);
  if (heads === undefined) return ops.arrange(ops.rename(rows, { [width]: axis }), ["row", axis]);
  const ordered = ops.arrange(rows, ["row", heads, width]);
  if (head === undefined) return ops.join(ordered, [heads, width], axis);
  checkHeadIndex(sizeAlong(rows.shape, heads, "head"), head);
  const one = ops.sum(ops.slice(ordered, heads, head, head + 1), [heads]);
  return ops.rename(one, { [width]: axis });
}

function checkHeadIndex(heads: number, head: number): void {
  if (head < heads) return;
  throw new InputError({
    code: "dictionary/no-head",
    message: `The dictionary is for head ${head}, and the model has ${heads}.`,
    remedy: "Check that it was trained on this model.",
    details: { head, heads },
  });
}

function normed<T extends Shaped>(ops: Ops<T>, model: Model<T>, place: DictionarySite, rows: T): T {
  const name = place.site.replace(/\.read$/, "");
  for (const stage of model.stages) {
    for (const block of stage) {
      if (block.name !== name || block.norm === undefined) continue;
      const { kind, eps } = block.norm;
      const norm: NormWeights<T> = place.form === "normed" ? block.norm : { kind, eps };
      return normalize(ops, norm, rows, "d_model", plainSites<T>(), "norm");
    }
  }
  return rows; // without a norm the block reads the stream itself
}

/**
 * A site's value with some of its vectors replaced; other positions and heads pass by.
 *
 * @param vectors `row, d_out`, one for each of the positions
 */
export function splicedInto<T extends Shaped>(
  ops: Ops<T>,
  { head }: DictionarySite,
  value: T,
  positions: readonly number[],
  vectors: T,
): T {
  return ops.scope(() => {
    const pos = sizeAlong(value.shape, "pos", "splice");
    const shape = value.shape;
    const heads = Object.keys(shape).find((one) => one === "head" || one === "kv_head");
    const [width = ""] = Object.keys(shape).filter((one) => one !== "pos" && one !== heads);
    const placedRows = ops.put(vectors, idsOf("row", positions), "pos", pos);
    const [count, size] = [heads === undefined ? 1 : (shape[heads] ?? 1), shape[width] ?? 1];
    const mask = Array.from({ length: pos }, (_, at) => (positions.includes(at) ? 1 : 0));
    if (heads === undefined) {
      const kept = ops.mul(
        value,
        ops.constant(
          { pos },
          mask.map((one) => 1 - one),
        ),
      );
      return ops.add(kept, ops.rename(placedRows, { d_out: width }));
    }
    const on = Array.from({ length: count }, (_, i) => (head === undefined || i === head ? 1 : 0));
    const both = mask.flatMap((at) => on.map((one) => at * one));
    const kept = ops.mul(
      value,
      ops.constant(
        { pos, [heads]: count },
        both.map((one) => 1 - one),
      ),
    );
    const added =
      head === undefined
        ? ops.split(placedRows, "d_out", { [heads]: count, [width]: size })
        : ops.mul(ops.rename(placedRows, { d_out: width }), ops.constant({ [heads]: count }, on));
    return ops.add(kept, added);
  });
}

/** @throws InputError `dictionary/width` where a site has vectors of another width */
export function checkWidth<T extends Shaped>(
  { name }: Dictionary<T>,
  site: string,
  axis: string,
  got: number | undefined,
  expected: number,
): void {
  if (got === expected) return;
  throw new InputError({
    code: "dictionary/width",
    message: `${name} has ${axis} ${expected}, and ${site} has ${got} numbers at a position.`,
    remedy: "Check that it was trained on this model, at this site.",
    details: { name, site, axis, expected, got },
  });
}
