import { type Axis, type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import type { AttentionBlock } from "./model.ts";
import { normalize } from "./norm.ts";
import { rotaryTable } from "./rotary.ts";
import type { Sites } from "./sites.ts";

const HEADS: readonly Axis[] = ["kv_head", "group"];

/**
 * What an attention block writes, `Σ_heads A · (n(r) W_V + b_V) · W_O + b_O`, with the pattern
 * `A = softmax(rot(q)·rot(k) · scale + mask)` (Vaswani et al. 2017; rotation: Su et al. 2021).
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
  const normed = normalize(ops, block.norm, read, "d_model", sites, "norm");
  const groups = {
    kv_head: sizeAlong(block.W_Q.shape, "kv_head", block.name),
    group: sizeAlong(block.W_Q.shape, "group", block.name),
  };
  const byHead = (x: T): T => ops.join(x, HEADS, "head");
  const byGroup = (x: T): T => ops.split(x, "head", groups);
  const project = (W: T, b: T | undefined, last: readonly Axis[]): T =>
    affine(ops, normed, W, b, ["d_model"], last);
  const keyed = (W: T, b: T | undefined): T =>
    ops.rename(project(W, b, ["pos", "kv_head", "d_head"]), { pos: "key_pos" });

  const pattern = sites.at("pattern", () => {
    const query = sites.at("query", () => {
      const projected = byHead(project(block.W_Q, block.b_Q, ["pos", ...HEADS, "d_head"]));
      return normalize(ops, block.queryNorm, projected, "d_head", sites, "query_norm");
    });
    const key = sites.at("key", () =>
      normalize(ops, block.keyNorm, keyed(block.W_K, block.b_K), "d_head", sites, "key_norm"),
    );
    const keys = sizeAlong(key.shape, "key_pos", block.name);
    const offset = keys - sizeAlong(query.shape, "pos", block.name);
    const score = sites.at("score", () => {
      const rotate = (x: T, pos: Axis, start: number): T =>
        block.rotary ? ops.rotary(x, "d_head", pos, rotaryTable(block.rotary, keys), { start }) : x;
      const rotated = byGroup(ops.scale(rotate(query, "pos", offset), block.scoreScale));
      return byHead(
        ops.matmul(rotated, rotate(key, "key_pos", 0), ["d_head"], [...HEADS, "pos", "key_pos"]),
      );
    });
    const window = block.window === undefined ? {} : { window: block.window };
    return ops.softmax(score, "key_pos", { query: "pos", offset, ...window });
  });
  const value = sites.at("value", () => keyed(block.W_V, block.b_V));
  const mixed = sites.at("mixed", () =>
    byHead(ops.matmul(byGroup(pattern), value, ["key_pos"], ["pos", ...HEADS, "d_head"])),
  );
  if (!sites.wants("head")) {
    return affine(ops, byGroup(mixed), block.W_O, block.b_O, [...HEADS, "d_head"]);
  }
  const head = sites.at("head", () =>
    byHead(ops.matmul(byGroup(mixed), block.W_O, ["d_head"], ["pos", ...HEADS, "d_model"])),
  );
  const sum = ops.sum(head, ["head"]);
  return block.b_O === undefined ? sum : ops.add(sum, block.b_O);
}

/** `x·W + b`, contracted over the named axes. */
export function affine<T extends Shaped>(
  ops: Ops<T>,
  x: T,
  W: T,
  b: T | undefined,
  over: readonly Axis[],
  last?: readonly Axis[],
): T {
  const product = ops.matmul(x, W, over, last);
  return b === undefined ? product : ops.add(product, b);
}
