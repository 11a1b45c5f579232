import { type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import { type AttentionBlock, type Block, type Model, onlyHead } from "@resolvent/transformer";
import { vectorsAt } from "../place.ts";
import type { SparseActivations } from "../sparse.ts";
import { type FeatureParts, featureParts } from "./feature-sources.ts";
import type { Placed } from "./placed.ts";
import { throughWriteNorm } from "./write-norm.ts";

/**
 * What an attention block writes as the sum of what an SAE says that its heads mix: its features, `b_dec` and error
 * through `W_O`, and a norm of what the block writes, its σ held; `b_O`; and `heads`, what other heads write, where the
 * SAE is of one.
 *
 * @param read `stream`: `pos, head, d_head`; `written`: what the block writes, `pos, d_model`; `sigma` of its norm
 */
export function mixedParts<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  block: AttentionBlock<T>,
  read: Placed<T> & {
    readonly x: T;
    readonly stream: T;
    readonly written: T;
    readonly sigma: T | undefined;
    readonly positions: readonly number[];
    readonly sparse: SparseActivations;
  },
): FeatureParts<T> {
  const { dictionary, places, stream, written: value } = read;
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
  const own = throughWriteNorm(ops, block, read.sigma, through);
  const one = (x: T): T => ops.broadcast(ops.arrange(x, ["pos", "d_model"]), { source: 1 });
  const rest: [string, T][] = [];
  if (b_O !== undefined || writeNorm?.bias !== undefined) {
    const given = b_O === undefined ? ops.fill(value.shape, 0) : ops.broadcast(b_O, { pos });
    const linear = throughWriteNorm(ops, block, read.sigma, given);
    rest.push(["b_O", one(writeNorm?.bias ? ops.add(linear, writeNorm.bias) : linear)]);
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

/**
 * What a value of the stream, or what a block writes, is the sum of by an SAE; of what an MLP makes before a norm of what it
 * writes, its parts as that norm leaves them, its σ held.
 */
export function writtenParts<T extends Shaped>(
  ops: Ops<T>,
  block: Block<T> | undefined,
  read: Pick<Placed<T>, "dictionary" | "site" | "value"> & {
    readonly x: T;
    readonly seen: T;
    readonly sigma: T | undefined;
    readonly positions: readonly number[];
    readonly sparse: SparseActivations;
  },
): FeatureParts<T> {
  const parts = featureParts(ops, read.dictionary, { ...read, value: read.seen });
  if (block === undefined || read.site === read.value) return parts;
  return { ...parts, values: throughWriteNorm(ops, block, read.sigma, parts.values) };
}
