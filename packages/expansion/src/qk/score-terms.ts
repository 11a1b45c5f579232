import { InputError, type Ops, type Shaped } from "@resolvent/tensor";
import {
  type AttentionBlock,
  checkHead,
  frozenAt,
  groupOf,
  keysOf,
  type Level,
  type Model,
  normedRead,
  onlyHead,
  queriesOf,
  rotateHeads,
  type Site,
  scoresOf,
  withAttention,
  within,
  withoutBiases,
} from "@resolvent/transformer";
import { checkPosition, kept, type ScoreRun, scoreRun } from "./score-run.ts";
import { checkSplitting, type Splitting, type StreamParts, sourcePieces } from "./score-sources.ts";

/** How the two sides of a score are divided. */
export interface SplittingPair<T = never> {
  readonly query: Splitting | Level | StreamParts<T>;
  readonly key: Splitting | Level | StreamParts<T>;
}

export interface ScoreTermsOptions<T = never> {
  readonly layer: number;
  /** One head of the layer; default all of them. */
  readonly head?: number;
  /** Position of the query. */
  readonly query: number;
  /** Position of the key; default every key that the query sees. */
  readonly key?: number;
  /** How both sides, or each side, are divided into sources; default `block`. */
  readonly by?: Splitting | Level | StreamParts<T> | SplittingPair<T>;
}

/** Scores before the softmax as sums over pairs of sources, as tensors. */
export interface ScoreTerms<T> {
  readonly by: SplittingPair<T>;
  /** The sources of the query side, the head's own constant last. */
  readonly querySources: readonly string[];
  /** The sources of the key side, the head's own constant last. */
  readonly keySources: readonly string[];
  /** The first key along `key_pos`: the one asked for, or the first that the query sees. */
  readonly firstKey: number;
  /** What each pair contributes: `head, query_source, key_source, key_pos`. */
  readonly matrix: T;
  /** The same with key vectors minus their mean over all keys that the query sees. */
  readonly matrixKeyCentred: T;
  /** The run's score: `head, key_pos`. */
  readonly score: T;
  /** The run's score minus its mean over all keys that the query sees. */
  readonly scoreCentred: T;
  /** The run's attention probability: `head, key_pos`. */
  readonly pattern: T;
}

/**
 * The pre-softmax scores of heads as exact bilinear sums over pairs of sources (MATHS 3):
 *
 *     score(q, k) = s · R_q n_q(n(r_q) W_Q + b_Q) · R_k n_k(n(r_k) W_K + b_K) = Σ_ab  s · q_a · k_b
 *
 * with the stream `r = Σ_a x_a`, `q_a` and `k_b` the images of its sources under the maps that are left once the
 * denominators of the block's norm (and of a query-key norm) are frozen at the run; rotation and the scale `s`
 * are part of it. What does not depend on `r` is the source `constant`. The softmax does not see what all keys
 * share, so `matrixKeyCentred` has `k_b` minus its mean over the keys that the query sees: its sum is the
 * score minus the mean score.
 *
 * Costs the run up to the layer, what the sources take (`block`, `head`: nothing; `degree`: `l(l+1)/2` block
 * applications for `l` blocks before the layer; `degree-block` the same; `token`: `n·l` block applications for
 * `n` tokens), their projections, and `2·heads·A·B·keys·d_head` for `A × B` sources.
 *
 * @throws InputError `transformer/no-head`, `expansion/bad-position`, `expansion/key-not-seen`,
 *   `expansion/unknown-splitting`, `expansion/too-many-pairs`, and those of a run
 */
export function scoreTerms<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  tokens: readonly number[],
  options: ScoreTermsOptions<T>,
): ScoreTerms<T> {
  const { layer, query, head, key } = options;
  const by = splittings(options.by);
  checkHead(model.architecture, { layer, ...(head !== undefined && { head }) });
  checkPosition("query", query, tokens.length);
  if (key !== undefined) checkPosition("key", key, query + 1);
  return ops.scope(() => {
    const reads = [by.query, by.key].some(divides);
    const run = scoreRun(ops, model, tokens, { layer, query, reads });
    return withAttention(model, layer, (block) => {
      const first = firstSeen(block, query);
      if (key !== undefined && key < first) throw notSeen(block, query, key, first);
      const sides = projected(ops, run, block, head, by);
      checkPairs(sides);
      const centred = ops.center(ops.slice(sides.keys, "key_pos", first, query + 1), "key_pos");
      const [from, to] = key === undefined ? [first, query + 1] : [key, key + 1];
      const read = (keys: T): T =>
        ops.join(scoresOf(ops, sides.block, sides.queries, keys), ["pos", "key_pos"], "key_pos");
      const ofQuery = (site: Site): T => {
        const row = ops.slice(kept(run, site), "pos", query, query + 1);
        const seen = ops.slice(
          ops.join(row, ["pos", "key_pos"], "key_pos"),
          "key_pos",
          first,
          query + 1,
        );
        return head === undefined ? seen : ops.slice(seen, "head", head, head + 1);
      };
      const asked = (x: T): T => ops.slice(x, "key_pos", from - first, to - first);
      const score = ofQuery(`${run.block}.score`);
      return {
        by,
        querySources: sides.querySources,
        keySources: sides.keySources,
        firstKey: from,
        matrix: read(ops.slice(sides.keys, "key_pos", from, to)),
        matrixKeyCentred: read(asked(centred)),
        score: asked(score),
        scoreCentred: asked(ops.center(score, "key_pos")),
        pattern: asked(ofQuery(`${run.block}.pattern`)),
      };
    });
  });
}

/** The same splitting for both sides, or each its own. */
export function splittings<T>(
  by: Splitting | Level | StreamParts<T> | SplittingPair<T> = "block",
): SplittingPair<T> {
  const { query, key } = typeof by === "object" && "query" in by ? by : { query: by, key: by };
  return { query: checkSplitting(query), key: checkSplitting(key) };
}

/** Whether a splitting tells the parts of blocks apart as they wrote in the run. */
export function divides<T>(by: Splitting | Level | StreamParts<T>): boolean {
  return (typeof by === "object" && !("stack" in by)) || by === "head" || by === "neuron";
}

/** Pairs of sources that a score is taken apart into at most: neurons on both sides of a large model have billions. */
const PAIRS_AT_MOST = 2 ** 22;

function checkPairs({
  querySources,
  keySources,
}: Pick<Sides<Shaped>, "querySources" | "keySources">): void {
  const [query, key] = [querySources.length, keySources.length];
  if (query * key <= PAIRS_AT_MOST) return;
  throw new InputError({
    code: "expansion/too-many-pairs",
    message: `A score is taken apart into at most ${PAIRS_AT_MOST} pairs; ${query} sources of the query and ${key} of the key make ${query * key}.`,
    remedy: "Split one of the sides more coarsely, by block or head.",
    details: { query, key, most: PAIRS_AT_MOST },
  });
}

/** Queries and keys of every source, turned by their positions. */
interface Sides<T extends Shaped> {
  readonly block: AttentionBlock<T>;
  readonly querySources: readonly string[];
  readonly keySources: readonly string[];
  /** `query_source, pos, head, d_head`, one position. */
  readonly queries: T;
  /** `key_source, key_pos, kv_head, d_head`, keys `0 … query`. */
  readonly keys: T;
}

function projected<T extends Shaped>(
  ops: Ops<T>,
  run: ScoreRun<T>,
  whole: AttentionBlock<T>,
  head: number | undefined,
  by: SplittingPair<T>,
): Sides<T> {
  const block = head === undefined ? whole : onlyHead(ops, whole, head);
  const linear = withoutBiases(block) as AttentionBlock<T>; // it stays of its kind
  const query = run.tokens.length - 1;
  const { queryGates, keyGates } = gatesOfSides(ops, run, whole, head);
  const queriesFrom = (from: AttentionBlock<T>, stream: T): T => {
    const sites = within(frozenAt(queryGates), block.name);
    const row = ops.slice(stream, "pos", query, query + 1);
    const normed = normedRead(ops, from, row, sites);
    return rotateHeads(ops, block, queriesOf(ops, from, normed, sites), "pos", query);
  };
  const keysFrom = (from: AttentionBlock<T>, stream: T): T => {
    const sites = within(frozenAt(keyGates), block.name);
    const normed = normedRead(ops, from, stream, sites);
    return rotateHeads(ops, block, keysOf(ops, from, normed, sites), "key_pos");
  };
  const names = { query: [] as string[], key: [] as string[] };
  const parts = { query: [] as T[], key: [] as T[] };
  for (const splitting of new Set([by.query, by.key])) {
    for (const make of sourcePieces(ops, run, splitting)) {
      const piece = ops.scope(() => {
        const sources = make();
        return {
          names: sources.names,
          query: by.query === splitting ? queriesFrom(linear, sources.stack) : undefined,
          key: by.key === splitting ? keysFrom(linear, sources.stack) : undefined,
        };
      });
      for (const side of ["query", "key"] as const) {
        const part = piece[side];
        if (part === undefined) continue;
        names[side].push(...piece.names);
        parts[side].push(part);
      }
    }
  }
  const nothing = ops.fill(kept(run, "embed").shape, 0);
  const constant = (x: T): T => ops.broadcast(x, { source: 1 });
  const queries = [...parts.query, constant(queriesFrom(block, nothing))];
  const keys = [...parts.key, constant(keysFrom(block, nothing))];
  return {
    block,
    querySources: [...names.query, "constant"],
    keySources: [...names.key, "constant"],
    queries: ops.rename(ops.concat(queries, "source"), { source: "query_source" }),
    keys: ops.rename(ops.concat(keys, "source"), { source: "key_source" }),
  };
}

/** The denominators that each side passes: of the query's position, and of the head where there is one. */
function gatesOfSides<T extends Shaped>(
  ops: Ops<T>,
  { gates, tokens }: ScoreRun<T>,
  block: AttentionBlock<T>,
  head: number | undefined,
): Readonly<Record<"queryGates" | "keyGates", ReadonlyMap<Site, T>>> {
  const query = tokens.length - 1;
  const pick = (names: readonly (readonly [string, (gate: T) => T])[]): ReadonlyMap<Site, T> =>
    new Map(
      names.flatMap(([name, change]) => {
        const site = `${block.name}.${name}`;
        const gate = gates.get(site);
        return gate === undefined ? [] : [[site, change(gate)] as const];
      }),
    );
  const row = (gate: T): T => ops.slice(gate, "pos", query, query + 1);
  const only = (gate: T, axis: string, index: number): T =>
    head === undefined ? gate : ops.slice(gate, axis, index, index + 1);
  const { kv_head } = groupOf(block, head ?? 0);
  return {
    queryGates: pick([
      ["norm", row],
      ["query_norm", (gate) => only(row(gate), "head", head ?? 0)],
    ]),
    keyGates: pick([
      ["norm", (gate) => gate],
      ["key_norm", (gate) => only(gate, "kv_head", kv_head)],
    ]),
  };
}

/** The first key that a query sees. */
function firstSeen<T>({ window }: AttentionBlock<T>, query: number): number {
  return window === undefined ? 0 : Math.max(0, query + 1 - window);
}

function notSeen<T>(
  block: AttentionBlock<T>,
  query: number,
  key: number,
  first: number,
): InputError {
  return new InputError({
    code: "expansion/key-not-seen",
    message: `The query ${query} of ${block.name} sees the keys ${first} to ${query}, got ${key}.`,
    remedy: `Its attention has a window of ${block.window} positions; choose a key within it.`,
    details: { block: block.name, query, key, first },
  });
}
