import { type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import {
  type AttentionBlock,
  frozenAt,
  type Model,
  normalize,
  onlyHead,
  type Site,
} from "@resolvent/transformer";
import { vectorsAt } from "../place.ts";
import type { SparseActivations } from "../sparse.ts";
import { type FeatureParts, featureParts } from "./feature-sources.ts";
import type { Placed } from "./placed.ts";

/**
 * What an attention block writes as the sum of what an SAE says that its heads mix: its features, `b_dec` and error
 * through `W_O`, and a norm of what the block writes, its σ held; `b_O`; and `heads`, what other heads write, where the
 * SAE is of one.
 *
 * @param read `stream`: `pos, head, d_head`; `value`: what the block writes, `pos, d_model`; `sigma` of its norm
 */
export function mixedParts<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  block: AttentionBlock<T>,
  read: Placed<T> & {
    readonly x: T;
    readonly stream: T;
    readonly value: T;
    readonly sigma: T | undefined;
    readonly positions: readonly number[];
    readonly sparse: SparseActivations;
  },
): FeatureParts<T> {
  const { dictionary, places, stream, value, sigma } = read;
  const { head } = places.input;
  const pos = sizeAlong(value.shape, "pos", block.name);
  const all = Array.from({ length: pos }, (_, at) => at);
  const flat = vectorsAt(ops, model, places.input, stream, all, "d_out");
  const mixed = ops.rename(flat, { row: "pos", d_out: "d_model" });
  const parts = featureParts(ops, dictionary, { ...read, value: mixed });

  const { W_O } = head === undefined ? block : onlyHead(ops, block, head);
  const { kv_head = 1, group = 1, d_head = 1 } = W_O.shape; // it has them
  const split = ops.split(parts.values, "d_model", { kv_head, group, d_head });
  const through = ops.matmul(split, W_O, ["kv_head", "group", "d_head"]);

  const { writeNorm, b_O } = block;
  const held = frozenAt(new Map<Site, T>(sigma === undefined ? [] : [["write_norm", sigma]]));
  const normed = (x: T, bias: boolean): T => {
    if (writeNorm === undefined) return x;
    const { bias: shift, ...linear } = writeNorm;
    return normalize(ops, bias ? writeNorm : linear, x, "d_model", held, "write_norm");
  };
  const own = ops.arrange(normed(through, false), ["source", "pos", "d_model"]);
  const one = (x: T): T => ops.broadcast(ops.arrange(x, ["pos", "d_model"]), { source: 1 });
  const rest: [string, T][] = [];
  if (b_O !== undefined || writeNorm?.bias !== undefined) {
    const given = b_O === undefined ? ops.fill(value.shape, 0) : ops.broadcast(b_O, { pos });
    rest.push(["b_O", one(normed(given, true))]);
  }
  if (head !== undefined) {
    const known = [own, ...rest.map(([, x]) => x)].map((x) => ops.sum(x, ["source"]));
    rest.push(["heads", one(known.reduce((left, x) => ops.sub(left, x), value))]);
  }
  return {
    names: [...parts.names, ...rest.map(([name]) => name)],
    values: ops.concat([own, ...rest.map(([, x]) => x)], "source"),
  };
}
