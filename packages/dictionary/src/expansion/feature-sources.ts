import { type Ids, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import type { Dictionary } from "../dictionary.ts";
import { normalise } from "../encode.ts";
import type { SparseActivations } from "../sparse.ts";

/** A value of a run as the sum of what a dictionary says it is. */
export interface FeatureParts<T> {
  /** `F18`, …, in rising order: the features that are active somewhere; then `b_dec`, `error`, … */
  readonly names: readonly string[];
  /** `source, pos, d_model` */
  readonly values: T;
}

/**
 * What a value is the sum of, by an SAE of it: every active feature's `a·d_f` along the positions, `b_dec`, `mean` where
 * the dictionary has the value centred first, the error `e`, and `rest`, the value where the dictionary is not for its
 * position. They add up to the value.
 *
 * Of a dictionary that normalises each input, its scale at each position is held.
 *
 * @param x the value at the dictionary's positions, `row, d_in`, centred where it wants it so
 * @param value `pos, d_model`
 */
export function featureParts<T extends Shaped>(
  ops: Ops<T>,
  dictionary: Dictionary<T>,
  {
    x,
    value,
    positions,
    sparse,
  }: {
    readonly x: T;
    readonly value: T;
    readonly positions: readonly number[];
    readonly sparse: SparseActivations;
  },
): FeatureParts<T> {
  const { W_dec, scale, norms, b_dec, centred } = dictionary;
  const pos = sizeAlong(value.shape, "pos", dictionary.name);
  const active = [...new Set(sparse.indices)].sort((a, b) => a - b);
  const rowIds: Ids = { shape: { row: positions.length }, data: Int32Array.from(positions) };
  const placed = (rows: T): T =>
    ops.arrange(ops.rename(ops.put(rows, rowIds, "pos", pos), { d_out: "d_model" }), [
      "pos",
      "d_model",
    ]);
  const one = (part: T): T => ops.broadcast(part, { source: 1 });
  const { restore } = normalise(ops, dictionary, x);
  const nothing = restore(ops.fill({ row: positions.length, d_out: dictionary.d_out }, 0));

  const parts: T[] = [];
  if (active.length > 0) {
    const ids: Ids = { shape: { source: active.length }, data: Int32Array.from(active) };
    const amounts = ops.constant(
      { source: active.length, row: positions.length },
      dense(sparse, active),
    );
    const scaled =
      scale === undefined ? amounts : ops.mul(amounts, ops.take(scale, "feature", ids));
    const own = norms === undefined ? scaled : ops.div(scaled, ops.take(norms, "feature", ids));
    const directions = ops.mul(own, ops.take(W_dec, "feature", ids));
    parts.push(placed(ops.sub(restore(directions), nothing)));
  }
  const bias = restore(ops.broadcast(b_dec, { row: positions.length }));
  parts.push(one(placed(bias)));
  const names = active.map((feature) => `F${feature}`);
  names.push("b_dec");
  const here = ops.constant(
    { pos },
    Array.from({ length: pos }, (_, at) => (positions.includes(at) ? 1 : 0)),
  );
  const own = ops.mul(value, here);
  if (centred) {
    names.push("mean");
    parts.push(one(ops.arrange(ops.sub(own, ops.center(own, "d_model")), ["pos", "d_model"])));
  }
  const sum = parts.reduce<T | undefined>((all, part) => {
    const summed = ops.sum(part, ["source"]);
    return all === undefined ? summed : ops.add(all, summed);
  }, undefined);
  names.push("error");
  parts.push(one(ops.arrange(ops.sub(own, sum as T), ["pos", "d_model"]))); // b_dec is there
  if (positions.length < pos) {
    names.push("rest");
    parts.push(one(ops.arrange(ops.sub(value, own), ["pos", "d_model"])));
  }
  return { names, values: ops.concat(parts, "source") };
}

/** The activations of some features, `feature, row`. */
function dense(
  { rows, starts, indices, values }: SparseActivations,
  active: readonly number[],
): Float64Array {
  const places = new Map(active.map((feature, i) => [feature, i]));
  const out = new Float64Array(active.length * rows);
  for (let row = 0; row < rows; row++) {
    for (let entry = starts[row] ?? 0; entry < (starts[row + 1] ?? 0); entry++) {
      const place = places.get(indices[entry] as number) as number; // every index is active
      out[place * rows + row] = values[entry] as number;
    }
  }
  return out;
}
