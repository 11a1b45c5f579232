import { InternalError, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import { keysOf, queriesOf, valuesOf } from "./attention.ts";
import type { Parts } from "./block-parts.ts";
import { headName } from "./head-name.ts";
import { toFirstLane } from "./lanes.ts";
import type { AttentionBlock, Block } from "./model.ts";
import { normedRead } from "./norm.ts";
import { blockWrite } from "./residual-stream.ts";
import { recording, replacing, type Site, type Sites, within } from "./sites.ts";
import { groupOf, onlyHead } from "./structure.ts";

/** What a head makes of the stream. With grouped queries each head has a key and a value input of its own. */
const inputs = { query: queriesOf, key: keysOf, value: valuesOf };

/** The heads of attention blocks; `b_O` belongs to none. */
export const headParts: Parts = {
  count: ({ heads }) => heads,
  name: (layer, head) => headName({ layer, head }),
  site: { name: "head", axis: "head" },
  inputs: Object.keys(inputs),
  constant: {
    name: "b_O",
    of: (ops, block) => {
      const { b_O, lanes } = attentionOf(block);
      return b_O && toFirstLane(ops, lanes, b_O);
    },
  },
  writes: (ops, whole, read, sites, given = {}) => {
    const block = attentionOf(whole);
    const replaced = Object.entries(given).map(([input, own]) => [
      `${block.name}.${input}`,
      madeOf(ops, block, input as keyof typeof inputs, own, sites), // a name among its inputs
    ]);
    const site = `${block.name}.head`;
    const trace = new Map<Site, typeof read>();
    const on = recording(replacing(sites, Object.fromEntries(replaced)), (s) => s === site, trace);
    const write = blockWrite(ops, block, read, on);
    return { whole: write, each: ops.rename(trace.get(site) as typeof read, { head: "node" }) }; // it was asked for
  },
  axes: (block) => {
    const { W_Q, name, writeNorm } = attentionOf(block);
    if (writeNorm !== undefined) return undefined; // its σ is that of all heads together
    return {
      kv_head: sizeAlong(W_Q.shape, "kv_head", name),
      group: sizeAlong(W_Q.shape, "group", name),
    };
  },
  alone: (ops, whole, head) => {
    const block = attentionOf(whole);
    const { b_O, ...own } = onlyHead(ops, block, head);
    const { kv_head } = groupOf(block, head);
    const places = { head, kv_head };
    return {
      block: own,
      gate: (gate) =>
        Object.entries(places).reduce(
          (cut, [axis, at]) => (axis in cut.shape ? ops.slice(cut, axis, at, at + 1) : cut),
          gate,
        ),
    };
  },
};

/** Queries, keys or values of a stream that one input reads. */
function madeOf<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  input: keyof typeof inputs,
  read: T,
  sites: Sites<T>,
): T {
  const own = within(sites, block.name);
  const normed = normedRead(ops, block, read, own);
  return inputs[input](ops, block, normed, own);
}

function attentionOf<T>(block: Block<T>): AttentionBlock<T> {
  if (block.kind === "attn") return block;
  throw new InternalError({
    code: "transformer/no-attention",
    message: `${block.name} has no heads.`,
  });
}
