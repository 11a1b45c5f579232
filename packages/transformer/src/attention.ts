import { type Axis, type Ops, type Shape, type Shaped, sizeAlong } from "@resolvent/tensor";
import { softCap } from "./cap.ts";
import { toFirstLane } from "./lanes.ts";
import type { AttentionBlock } from "./model.ts";
import { normalize, normalizeParts, normedRead } from "./norm.ts";
import { rotaryTable } from "./rotary.ts";
import type { Sites } from "./sites.ts";

const HEADS: readonly Axis[] = ["kv_head", "group"];

/**
 * What an attention block writes, `Σ_heads A · (n(r) W_V + b_V) · W_O + b_O`, with the pattern
 * `A = softmax(rot(q)·rot(k) · scale + mask)` (Vaswani et al. 2017; rotation: Su et al. 2021); a soft cap of the scores
 * is part of the pattern, and a norm of what the block writes is a norm like the one it reads through.
 * Keys may reach further back than queries (a cache put in at the sites `key` and `value`): the queries
 * are then the last positions.
 *
 * @param read the residual stream, `…, pos, d_model`
 */
export function attention<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  read: T,
  sites: Sites<T>,
): T {
  const normed = normedRead(ops, block, read, sites);
  const byGroup = (x: T): T => ops.split(x, "head", groupsOf(block));

  const pattern = sites.at("pattern", () => {
    const query = queriesOf(ops, block, normed, sites);
    const key = keysOf(ops, block, normed, sites);
    const keys = sizeAlong(key.shape, "key_pos", block.name);
    const offset = keys - sizeAlong(query.shape, "pos", block.name);
    const score = sites.at("score", () => {
      const turned = rotateHeads(ops, block, query, "pos", offset);
      return scoresOf(ops, block, turned, rotateHeads(ops, block, key, "key_pos"));
    });
    const window = block.window === undefined ? {} : { window: block.window };
    const capped = softCap(ops, block.scoreCap, score);
    return ops.softmax(capped, "key_pos", { query: "pos", offset, ...window });
  });
  const value = valuesOf(ops, block, normed, sites);
  const mixed = sites.at("mixed", () =>
    byHead(ops, ops.matmul(byGroup(pattern), value, ["key_pos"], ["pos", ...HEADS, "d_head"])),
  );
  const { writeNorm, W_O: W, b_O: b } = block;
  const widened = (x: T): T => toFirstLane(ops, block.lanes, x);
  if (!sites.wants("head")) {
    const out = affine(ops, byGroup(mixed), { W, b }, [...HEADS, "d_head"]);
    return widened(normalize(ops, writeNorm, out, "d_model", sites, "write_norm"));
  }
  const made = (): T =>
    byHead(ops, ops.matmul(byGroup(mixed), W, ["d_head"], ["pos", ...HEADS, "d_model"]));
  if (writeNorm === undefined) {
    const sum = ops.sum(
      sites.at("head", () => widened(made())),
      ["head"],
    );
    return b === undefined ? sum : ops.add(sum, widened(b));
  }
  const place = { axis: "d_model", over: "head", rest: b };
  const { parts, rest } = normalizeParts(ops, writeNorm, made(), place, sites, "write_norm");
  const sum = ops.sum(
    sites.at("head", () => widened(parts)),
    ["head"],
  );
  return rest === undefined ? sum : ops.add(sum, widened(rest));
}

/**
 * Queries before rotation, `n_q(x W_Q + b_Q)`: the site `query`, `…, pos, head, d_head`.
 *
 * @param normed what the block's own norm made of the stream, `…, pos, d_model`
 */
export function queriesOf<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  normed: T,
  sites: Sites<T>,
): T {
  return sites.at("query", () => {
    const last = ["pos", ...HEADS, "d_head"];
    const projected = affine(ops, normed, { W: block.W_Q, b: block.b_Q }, ["d_model"], last);
    return normalize(ops, block.queryNorm, byHead(ops, projected), "d_head", sites, "query_norm");
  });
}

/** Keys before rotation, `n_k(x W_K + b_K)`: the site `key`, `…, key_pos, kv_head, d_head`. */
export function keysOf<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  normed: T,
  sites: Sites<T>,
): T {
  return sites.at("key", () => {
    const projected = keyed(ops, normed, block.W_K, block.b_K);
    return normalize(ops, block.keyNorm, projected, "d_head", sites, "key_norm");
  });
}

/** Values, `x W_V + b_V`: the site `value`, `…, key_pos, kv_head, d_head`. */
export function valuesOf<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  normed: T,
  sites: Sites<T>,
): T {
  return sites.at("value", () => keyed(ops, normed, block.W_V, block.b_V));
}

/**
 * Queries or keys turned by their positions; as they are in a model without rotary embedding.
 *
 * @param start position of the first along `pos`; default 0
 */
export function rotateHeads<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  x: T,
  pos: Axis,
  start = 0,
): T {
  if (block.rotary === undefined) return x;
  const table = rotaryTable(block.rotary, start + sizeAlong(x.shape, pos, block.name));
  return ops.rotary(x, "d_head", pos, table, { start });
}

/**
 * `q·k` times the score's scale, of turned queries and keys: `…, head, pos, key_pos`. It is bilinear: further
 * axes of one side are free, those of both sides batched.
 */
export function scoresOf<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  query: T,
  key: T,
): T {
  const grouped = ops.split(ops.scale(query, block.scoreScale), "head", groupsOf(block));
  return byHead(ops, ops.matmul(grouped, key, ["d_head"], [...HEADS, "pos", "key_pos"]));
}

function groupsOf<T extends Shaped>({ W_Q, name }: AttentionBlock<T>): Shape {
  return {
    kv_head: sizeAlong(W_Q.shape, "kv_head", name),
    group: sizeAlong(W_Q.shape, "group", name),
  };
}

function byHead<T extends Shaped>(ops: Ops<T>, x: T): T {
  return ops.join(x, HEADS, "head");
}

/** Keys or values: what stands at a position as a key. */
function keyed<T extends Shaped>(ops: Ops<T>, normed: T, W: T, b: T | undefined): T {
  const projected = affine(ops, normed, { W, b }, ["d_model"], ["pos", "kv_head", "d_head"]);
  return ops.rename(projected, { pos: "key_pos" });
}

/** `x·W + b`, contracted over the named axes. */
export function affine<T extends Shaped>(
  ops: Ops<T>,
  x: T,
  { W, b }: { readonly W: T; readonly b: T | undefined },
  over: readonly Axis[],
  last?: readonly Axis[],
): T {
  const product = ops.matmul(x, W, over, last);
  return b === undefined ? product : ops.add(product, b);
}
