import {
  affineReadout,
  axesOf,
  type Engine,
  InputError,
  type Ops,
  readTogether,
  type Shaped,
  using,
} from "@resolvent/tensor";
import {
  type AttentionBlock,
  checkHead,
  frozenAt,
  groupOf,
  headName,
  heldAt,
  keysOf,
  type Level,
  type Model,
  mapBlock,
  normedRead,
  onlyHead,
  plainSites,
  queriesOf,
  rotateHeads,
  type Sites,
  stageOfLayer,
  within,
} from "@resolvent/transformer";
import { type FrozenRun, stagesOf } from "./frozen-run.ts";
import { cut, only, spread } from "./pull.ts";
import type { Readout } from "./readout.ts";
import { lookingAnew, type PathClaim, streamBefore, takenPath } from "./taken-path.ts";

/**
 * The score by which a head looks from a position at another, less its mean over all keys that the query sees, which
 * the softmax ignores; as a function of the stream on one of its sides, the other held.
 */
export interface HeadScore {
  readonly layer: number;
  readonly head: number;
  /** The position that it looks from. */
  readonly query: number;
  /** The position that it looks at. */
  readonly key: number;
  /** Which of both is made of paths; the other is as it was in the run. */
  readonly side: "query" | "key";
}

/** What taking a path to a score away does to it. */
export interface ScoreVerdict {
  readonly predicted: number;
  /** With the denominators of its norms as in the run. */
  readonly frozen: number;
  /** With all gates on the way, and its norms, recomputed. */
  readonly live: number;
  /** With the patterns on the way recomputed and nothing else, less `frozen`: its part through queries and keys. */
  readonly throughPatterns: number;
  /** The score without the path. */
  readonly without: { readonly frozen: number; readonly live: number };
}

/** A score in words: `score of L2.H2 from 13 to 5 by its query`. */
function scoreText({ query, key, side, ...head }: HeadScore): string {
  return `score of ${headName(head)} from ${query} to ${key} by its ${side}`;
}

/**
 * A score as a readout of the stream before its layer: `s (k_key − mean k) · q(r)`, or `s q · (k(r_key) − mean k(r))`,
 * queries and keys turned by their positions, the σ of their norms held.
 *
 * @throws InputError `transformer/no-head`, `paths/bad-position`
 */
export function scoreReadout<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  score: HeadScore,
): Readout<T> {
  return ops.scope(() => {
    const { before, block, first } = placeOf(model, run, score);
    const { d_model } = model.architecture;
    const ofQuery = score.side === "query";
    const { covector, constant } = affineReadout(
      ops,
      { pos: run.positions, d_model },
      directionOf(ops, model, run, score),
      (on, fixed, stream) =>
        sideOf(on, mapBlock(block, fixed), stream, heldOf(ops, run, score, block, fixed), score),
    );
    const values = ops.arrange(covector, ["pos", "d_model"]);
    const name = scoreText(score);
    // Of a query only its own row is not zero.
    if (ofQuery) {
      const row = ops.scale(only(ops, values, "pos", score.query), 1);
      return { name, before, constant, covector: { values: row, at: score.query } };
    }
    const seen = { from: first, to: score.query };
    return { name, before, constant, covector: { values, at: undefined }, seen };
  });
}

/** The score in the run, and the attention that it gives. */
export async function scoreOf<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  score: HeadScore,
): Promise<{ readonly value: number; readonly probability: number }> {
  const [value = Number.NaN, probability = Number.NaN] = await using(
    engine,
    () => {
      const { before, block } = placeOf(model, run, score);
      const stream = streamBefore(engine, model, run, before);
      const pattern = run.gates.get(`${block.name}.pattern`) as T; // of every attention block
      const places = { head: score.head, pos: score.query, key_pos: score.key };
      return [
        scoreFrom(engine, model, run, score, stream),
        engine.sum(cut(engine, pattern, places), ["head", "pos", "key_pos"]),
      ];
    },
    async (both) => (await readTogether(engine, both)).flatMap(([one]) => one ?? []),
  );
  return { value, probability };
}

/**
 * Checks a path to a score by taking it away: the head's other side stays as it was in the run.
 *
 * @throws InputError `paths/no-node`, `paths/no-source`, `paths/bad-path`
 */
export async function verifyScore<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  score: HeadScore,
  claim: PathClaim,
  { level }: { readonly level: Level },
): Promise<ScoreVerdict> {
  const made = (): T[] => {
    const readout = scoreReadout(engine, model, run, score);
    const { predicted, missing } = takenPath(engine, model, run, claim, { level, readout });
    const stream = streamBefore(engine, model, run, readout.before);
    const covector = spread(engine, readout.covector, run.positions);
    const held = (sites: Sites<T>): T =>
      engine.matmul(covector, missing(sites, model), ["pos", "d_model"]);
    const left = engine.sub(stream, missing(plainSites<T>(), model));
    return [
      predicted,
      ...[frozenAt(run.gates), lookingAnew(run)].map(held),
      ...[stream, left].map((of) => scoreFrom(engine, model, run, score, of)),
    ];
  };
  const numbers = await using(engine, made, (all) => readTogether(engine, all));
  const [predicted = 0, frozen = 0, looking = 0, value = 0, left = 0] = numbers.map(
    ([one = Number.NaN]) => one,
  );
  return {
    ...{ predicted, frozen, live: value - left, throughPatterns: looking - frozen },
    without: { frozen: value - frozen, live: left },
  };
}

/** The score of a stream, its norms recomputed, the other side as in the run. */
function scoreFrom<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  score: HeadScore,
  stream: T,
): T {
  const { block } = placeOf(model, run, score);
  const direction = directionOf(ops, model, run, score);
  const made = sideOf(ops, block, stream, plainSites<T>(), score);
  return ops.matmul(made, direction, axesOf(direction.shape));
}

/** Where a score is made. */
interface ScorePlace<T> {
  readonly block: AttentionBlock<T>;
  /** How many stages of the model lie before it. */
  readonly before: number;
  /** The first key that the query sees. */
  readonly first: number;
}

function placeOf<T extends Shaped>(
  model: Model<T>,
  run: FrozenRun<T>,
  score: HeadScore,
): ScorePlace<T> {
  const { layer, head, query, key } = score;
  checkHead(model.architecture, { layer, head });
  const before = stageOfLayer(model.architecture, layer);
  const block = stagesOf(model)[before]?.find(({ kind }) => kind === "attn") as AttentionBlock<T>; // every layer has one
  const first = block.window === undefined ? 0 : Math.max(0, query + 1 - block.window);
  const isPlace = (pos: number): boolean => Number.isInteger(pos) && pos >= 0;
  if (isPlace(query) && isPlace(key) && query < run.positions && key >= first && key <= query)
    return { block, before, first };
  throw new InputError({
    code: "paths/bad-position",
    message: `${headName(score)} does not look from ${query} at ${key}: the input has ${run.positions} tokens${first > 0 ? `, and that query sees keys from ${first}` : ""}.`,
    remedy: "Positions count tokens from 0; a key is not later than its query.",
    details: { ...score, positions: run.positions },
  });
}

/** What a side is multiplied by, the scale of scores included: `d_head`, or `key_pos, d_head`. */
function directionOf<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  score: HeadScore,
): T {
  const { block, before, first } = placeOf(model, run, score);
  const { query, key, side } = score;
  const other = { ...score, side: side === "query" ? "key" : "query" } as const;
  const stream = streamBefore(ops, model, run, before);
  const held = heldOf(ops, run, other, block, (value) => value);
  const made = ops.scale(sideOf(ops, block, stream, held, other), block.scoreScale);
  // The key's own entry, less the mean over all that the query sees.
  const weights = Array.from({ length: run.positions }, (_, pos) => {
    const mean = pos >= first && pos <= query ? 1 / (query - first + 1) : 0;
    return (pos === key ? 1 : 0) - mean;
  });
  const all = ops.mul(made, ops.constant({ key_pos: run.positions }, weights));
  return side === "query" ? ops.sum(all, ["key_pos"]) : ops.arrange(all, ["key_pos", "d_head"]);
}

/** A side of a head as scores see it: its query, `d_head`, or all keys, `key_pos, d_head`. */
function sideOf<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  stream: T,
  sites: Sites<T>,
  { head, query, side }: HeadScore,
): T {
  const own = onlyHead(ops, block, head);
  const inside = within(sites, block.name);
  if (side === "query") {
    const row = ops.slice(stream, "pos", query, query + 1);
    const queries = queriesOf(ops, own, normedRead(ops, own, row, inside), inside);
    return ops.sum(rotateHeads(ops, own, queries, "pos", query), ["pos", "head"]);
  }
  const keys = keysOf(ops, own, normedRead(ops, own, stream, inside), inside);
  return ops.arrange(ops.sum(rotateHeads(ops, own, keys, "key_pos"), ["kv_head"]), [
    "key_pos",
    "d_head",
  ]);
}

/** The gates of the run that a side passes, in another interpreter. */
function heldOf<T extends Shaped, V extends Shaped>(
  ops: Ops<T>,
  run: FrozenRun<T>,
  { head, query, side }: HeadScore,
  block: AttentionBlock<T>,
  fixed: (value: T) => V,
): Sites<V> {
  const { kv_head } = groupOf(block, head);
  const places = side === "query" ? { pos: query, head } : { kv_head };
  return heldAt(run.gates, (gate) => fixed(cut(ops, gate, places)));
}
