import { headReadout } from "@resolvent/paths";
import { type Engine, InputError, readTogether, type Shaped } from "@resolvent/tensor";
import { type AttentionBlock, stageOfLayer } from "@resolvent/transformer";
import type { DictionaryRun } from "../expansion/expansion.ts";
import type { AttributionGraph } from "../graph/graph.ts";
import { type Column, columnsOf } from "./columns.ts";
import type { EdgeHop } from "./edge-hops.ts";
import { graphSources } from "./graph-sources.ts";
import { checkOwn, featuresOf } from "./own-graph.ts";
import { type ReplacedRun, replacedRun } from "./replaced-run.ts";
import { type RowNumbers, readRows } from "./row-chunks.ts";
import type { Targets } from "./targets.ts";

/** What a node gives one side of a head's score, with the other side whole. */
export interface ScoreSide {
  /** Its index in the graph. */
  readonly node: number;
  readonly value: number;
}

/** What two nodes give a score together. */
export interface ScorePair {
  readonly query: number;
  readonly key: number;
  readonly value: number;
}

/** Why a head looks where it looks: its score before the softmax as sums over nodes of a graph. */
export interface HopScore {
  /** `q·k / √d_head`, before a cap. */
  readonly score: number;
  /** The nodes that give the query side the most, the largest by size first; all of them and `queryOthers` are the score. */
  readonly query: readonly ScoreSide[];
  readonly key: readonly ScoreSide[];
  /** The score less what is listed: other nodes, biases, and features that are no nodes. */
  readonly queryOthers: number;
  readonly keyOthers: number;
  /** The largest pairs of a node on each side. */
  readonly pairs: readonly ScorePair[];
}

export interface HopScoreOptions {
  /** Nodes of each side, and pairs; default 5. */
  readonly most?: number;
}

/** One side of a score: what each entry of the head's query or key gets from the nodes. */
interface Side {
  /** `d_head`: of the run. */
  readonly whole: Float64Array;
  /** `d_head, node` */
  readonly ofNodes: Float64Array;
}

/**
 * The score of a hop as a bilinear sum over the nodes of a graph: what each of them gives the query directly, along the
 * stream and through earlier attention, with the gates held, and what each gives the key.
 *
 *     score = s · (Σ_n q_n + …) · (Σ_m k_m + …)       by side: s · q_n · k, and s · q · k_m
 *
 * @throws InputError `dictionary/other-graph`, `dictionary/no-graph`, `transformer/no-head`, `paths/bad-position`
 */
export async function hopScore<T extends Shaped>(
  engine: Engine<T>,
  made: DictionaryRun<T>,
  graph: AttributionGraph,
  { layer, head, query, key }: Pick<EdgeHop, "layer" | "head" | "query" | "key">,
  { most = 5 }: HopScoreOptions = {},
): Promise<HopScore> {
  const replaced = engine.scope(() => replacedRun(engine, made));
  const owned: unknown[] = [replaced.own];
  try {
    checkOwn(graph, replaced);
    const { features } = featuresOf(graph);
    const choice = { features, others: [], constantPositions: new Set<number>() };
    const sources = engine.scope(() => graphSources(engine, replaced, choice));
    owned.push(sources);
    const columns = columnsOf(sources, graph.nodes);
    const stage = stageOfLayer(replaced.model.architecture, layer);
    const block = replaced.between[stage]?.find(({ kind }) => kind === "attn");
    if (block === undefined || block.kind !== "attn") throw noHead(layer, head);
    const side = async (which: "query" | "key", position: number): Promise<Side> => {
      const at = { layer, head, side: which, position };
      const targets = (): Targets<T> => sideTargets(engine, replaced, block, at);
      const rows = await readRows(engine, replaced, sources, targets);
      const own = engine.scope(() => wholeSide(engine, replaced, targets()));
      owned.push(own);
      const [whole] = await readTogether(engine, [own]);
      return {
        whole: Float64Array.from(whole),
        ofNodes: nodeRows(rows.numbers, columns, whole.length),
      };
    };
    const queries = await side("query", query);
    const keys = await side("key", key);
    return scoreOf(queries, keys, block.scoreScale, most);
  } finally {
    engine.free(owned);
  }
}

/** Each entry of a head's query or key at a position, turned by it, as a target. */
function sideTargets<T extends Shaped>(
  engine: Engine<T>,
  { model, run }: ReplacedRun<T>,
  block: AttentionBlock<T>,
  at: Parameters<typeof headReadout>[3],
): Targets<T> {
  const { d_head = 1 } = block.W_Q.shape; // every head has it
  return engine.scope(() => {
    const readouts = Array.from({ length: d_head }, (_, entry) => {
      const direction = Array.from({ length: d_head }, (_, i) => (i === entry ? 1 : 0));
      return headReadout(engine, model, run, at, engine.constant({ d_head }, direction));
    });
    const stack = (parts: readonly T[], axes: readonly string[]): T =>
      engine.arrange(
        engine.concat(
          parts.map((part) => engine.broadcast(part, { target: 1 })),
          "target",
        ),
        axes,
      );
    return {
      before: readouts[0]?.before ?? 0,
      positions: readouts.map(() => at.position),
      covectors: stack(
        readouts.map(({ covector }) => covector.values),
        ["target", "d_model"],
      ),
      constants: stack(
        readouts.map(({ constant }) => constant),
        ["target"],
      ),
    };
  });
}

/** What targets at one position read of the run's stream. */
function wholeSide<T extends Shaped>(
  engine: Engine<T>,
  { model, run }: ReplacedRun<T>,
  { before, positions, covectors, constants }: Targets<T>,
): T {
  let stream = run.embedding;
  for (const blocks of [...model.stages].slice(0, before)) {
    for (const { name } of blocks) stream = engine.add(stream, run.writes.get(name) as T); // every block writes
  }
  const [at = 0] = positions;
  const here = engine.sum(engine.slice(stream, "pos", at, at + 1), ["pos"]);
  return engine.add(engine.matmul(covectors, here, ["d_model"]), constants);
}

/** The rows of targets node by node: `target, node`. */
function nodeRows(
  numbers: RowNumbers,
  columns: readonly (Column | undefined)[],
  targets: number,
): Float64Array {
  const rows = new Float64Array(targets * columns.length);
  columns.forEach((column, node) => {
    const data = column && numbers[column.group]?.[column.part];
    if (column === undefined || data === undefined) return;
    for (let t = 0; t < targets; t++) {
      rows[t * columns.length + node] = data[t * column.size + column.place] ?? 0;
    }
  });
  return rows;
}

function scoreOf(query: Side, key: Side, scale: number, most: number): HopScore {
  const { length } = query.whole;
  const nodes = query.ofNodes.length / length;
  let score = 0;
  query.whole.forEach((one, i) => {
    score += scale * one * (key.whole[i] ?? 0);
  });
  const sideOf = (own: Float64Array, other: Float64Array): ScoreSide[] =>
    Array.from({ length: nodes }, (_, node) => {
      let value = 0;
      for (let i = 0; i < length; i++) {
        value += scale * (own[i * nodes + node] ?? 0) * (other[i] ?? 0);
      }
      return { node, value };
    })
      .filter(({ value }) => value !== 0)
      .sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const queries = sideOf(query.ofNodes, key.whole).slice(0, most);
  const keys = sideOf(key.ofNodes, query.whole).slice(0, most);
  const pairs = queries.flatMap((q) =>
    keys.map((k): ScorePair => {
      let value = 0;
      for (let i = 0; i < length; i++) {
        const ofQuery = query.ofNodes[i * nodes + q.node] ?? 0;
        value += scale * ofQuery * (key.ofNodes[i * nodes + k.node] ?? 0);
      }
      return { query: q.node, key: k.node, value };
    }),
  );
  const sum = (list: readonly ScoreSide[]): number => list.reduce((so, { value }) => so + value, 0);
  return {
    ...{ score, query: queries, key: keys },
    ...{ queryOthers: score - sum(queries), keyOthers: score - sum(keys) },
    pairs: pairs.sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, most),
  };
}

function noHead(layer: number, head: number): InputError {
  return new InputError({
    code: "transformer/no-head",
    message: `There is no head L${layer}.H${head} between features of this run.`,
    remedy: "Give a hop that edgeHops has found.",
    details: { layer, head },
  });
}
