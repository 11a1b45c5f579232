import { type Axis, type Ops, type Shape, type Shaped, sizeAlong, sizeOf } from "@resolvent/tensor";
import { affine } from "./affine.ts";
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
  const mixed = mixedValues(ops, block, normed, sites);
  const byGroup = (x: T): T => ops.split(x, "head", groupsOf(block));
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

/** Values mixed by the pattern: the site `mixed`, `…, pos, head, d_head`. */
function mixedValues<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  normed: T,
  sites: Sites<T>,
): T {
  const queriesAndKeys = (): Heads<T> => ({
    query: queriesOf(ops, block, normed, sites),
    key: keysOf(ops, block, normed, sites),
  });
  const seen = sites.wants("pattern") || sites.wants("score");
  const made = seen ? undefined : queriesAndKeys();
  const blocks = made === undefined ? 1 : countOfBlocks(made);
  if (made !== undefined && blocks > 1) {
    const value = valuesOf(ops, block, normed, sites);
    return sites.at("mixed", () => mixedByBlocks(ops, block, { ...made, value }, blocks));
  }
  const pattern = sites.at("pattern", () => {
    const heads = made ?? queriesAndKeys();
    const { offset } = lengthsOf(heads);
    const score = sites.at("score", () => scoresOf(ops, block, ...turned(ops, block, heads)));
    return patternOf(ops, block, score, { from: 0, offset, first: 0 });
  });
  const value = valuesOf(ops, block, normed, sites);
  return sites.at("mixed", () => mixedBy(ops, block, pattern, value));
}

/** Queries and keys before rotation. */
interface Heads<T> {
  readonly query: T;
  readonly key: T;
}

/** Scores that are held at once where nobody looks at them: 32 MiB in float32. */
const SCORES_AT_ONCE = 2 ** 23;

/** Queries of a block, about: fewer see fewer keys that lie after them, more make larger products. */
const QUERIES_AT_ONCE = 256;

/** In how many blocks of queries scores and pattern are made where nobody looks at them: 1 of inputs that are short. */
function countOfBlocks<T extends Shaped>(heads: Heads<T>): number {
  const { queries, keys } = lengthsOf(heads);
  const { query } = heads;
  const scores = (sizeOf(query.shape) / sizeAlong(query.shape, "d_head", "attention")) * keys;
  const wanted = Math.max(scores / SCORES_AT_ONCE, queries / QUERIES_AT_ONCE);
  return queries < 2 * QUERIES_AT_ONCE && scores <= SCORES_AT_ONCE
    ? 1
    : Math.min(queries, Math.ceil(wanted));
}

/**
 * The same, block by block of queries: scores and pattern are never whole, and not made of keys that no query of the
 * block sees.
 */
function mixedByBlocks<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  { value, ...heads }: Heads<T> & { readonly value: T },
  count: number,
): T {
  const { queries, offset } = lengthsOf(heads);
  const [query, key] = turned(ops, block, heads);
  const parts = Array.from({ length: count }, (_, i) => {
    const [from = 0, to = queries] = [i, i + 1].map((n) => Math.floor((n * queries) / count));
    const first = block.window === undefined ? 0 : Math.max(0, from + offset + 1 - block.window);
    const keys = to + offset;
    const some = (x: T): T => ops.slice(x, "key_pos", first, keys);
    return ops.scope(() => {
      const score = scoresOf(ops, block, ops.slice(query, "pos", from, to), some(key));
      const pattern = patternOf(ops, block, score, { from, offset, first });
      return mixedBy(ops, block, pattern, some(value));
    });
  });
  return ops.concat(parts, "pos");
}

/** How many queries and keys there are, and keys before the first query. */
function lengthsOf<T extends Shaped>({
  query,
  key,
}: Heads<T>): {
  readonly queries: number;
  readonly keys: number;
  readonly offset: number;
} {
  const queries = sizeAlong(query.shape, "pos", "attention");
  const keys = sizeAlong(key.shape, "key_pos", "attention");
  return { queries, keys, offset: keys - queries };
}

function turned<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  heads: Heads<T>,
): [query: T, key: T] {
  const { offset } = lengthsOf(heads);
  return [
    rotateHeads(ops, block, heads.query, "pos", offset),
    rotateHeads(ops, block, heads.key, "key_pos"),
  ];
}

/** The pattern of queries from `from` on and keys from `first` on. */
function patternOf<T extends Shaped>(
  ops: Ops<T>,
  { scoreCap, window }: AttentionBlock<T>,
  score: T,
  {
    from,
    offset,
    first,
  }: { readonly from: number; readonly offset: number; readonly first: number },
): T {
  const capped = softCap(ops, scoreCap, score);
  const mask = { query: "pos", offset: from + offset - first };
  return ops.softmax(capped, "key_pos", window === undefined ? mask : { ...mask, window });
}

function mixedBy<T extends Shaped>(ops: Ops<T>, block: AttentionBlock<T>, pattern: T, value: T): T {
  const grouped = ops.split(pattern, "head", groupsOf(block));
  return byHead(ops, ops.matmul(grouped, value, ["key_pos"], ["pos", ...HEADS, "d_head"]));
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
