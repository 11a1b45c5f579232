import type { Engine, Shaped } from "@resolvent/tensor";
import type { DictionaryRun } from "../expansion/expansion.ts";
import type { Fields } from "../graph/fields.ts";
import type { AttributionGraph } from "../graph/graph.ts";
import { columnsOf } from "./columns.ts";
import { graphSources } from "./graph-sources.ts";
import { checkOwn, featuresOf, logitsOf } from "./own-graph.ts";
import { replacedRun } from "./replaced-run.ts";
import { type ChunkOptions, featureChunks, readRows } from "./row-chunks.ts";
import { logitTargets } from "./targets.ts";

/** Edges by degree. */
export interface EdgeDegrees {
  /** Degrees from 0 to below this. */
  readonly degrees: number;
  /** `edge, degree`: parts of the weight. */
  readonly values: Float64Array;
}

/**
 * The edges of a run's graph **by degree**: the number of blocks that their routes pass, which is that of attention
 * blocks where transcoders have no skips and stand for every MLP. What goes straight along the stream has degree 0; the
 * parts of an edge add up to its weight.
 *
 * @param graph of the run, or a part of it: what pruning leaves is the less to compute
 * @throws InputError `dictionary/other-graph`, `dictionary/no-graph`
 */
export async function edgeDegrees<T extends Shaped>(
  engine: Engine<T>,
  made: DictionaryRun<T>,
  graph: AttributionGraph,
  options: Omit<ChunkOptions, "byBlocks"> = {},
): Promise<EdgeDegrees> {
  const replaced = engine.scope(() => replacedRun(engine, made));
  const owned: unknown[] = [replaced.own];
  try {
    checkOwn(graph, replaced);
    const { nodes, features } = featuresOf(graph);
    const choice = { features, others: [], constantPositions: new Set<number>() };
    const sources = engine.scope(() => graphSources(engine, replaced, choice));
    owned.push(sources);
    const columns = columnsOf(sources, graph.nodes);
    const degrees = 1 + replaced.between.filter(({ length }) => length > 0).length;
    const values = new Float64Array(graph.edges.weight.length * degrees);
    const edgesOf = byTarget(graph);
    const add = (places: readonly number[], { numbers }: Awaited<ReturnType<typeof readRows>>) => {
      places.forEach((target, row) => {
        for (const edge of edgesOf.get(target) ?? []) {
          const column = columns[graph.edges.source[edge] ?? -1];
          const data = column && numbers[column.group]?.[column.part];
          if (column === undefined || data === undefined) continue;
          const levels = data.length / places.length / column.size;
          for (let k = 0; k < levels; k++) {
            const weight = data[(row * levels + k) * column.size + column.place] ?? 0;
            values[edge * degrees + k] = weight;
          }
        }
      });
    };
    const by = { ...options, byBlocks: true };
    for (const { places, targets } of featureChunks(engine, replaced, sources, features, by)) {
      options.signal?.throwIfAborted();
      const at = places.map((i) => nodes[i] ?? -1);
      add(at, await readRows(engine, replaced, sources, targets, by));
    }
    const logits = logitsOf(graph);
    const targets = () => logitTargets(engine, replaced, logits.explained);
    if (logits.nodes.length > 0) {
      add(logits.nodes, await readRows(engine, replaced, sources, targets, by));
    }
    return { degrees, values };
  } finally {
    engine.free(owned);
  }
}

function byTarget({ edges }: AttributionGraph): Map<number, number[]> {
  const found = new Map<number, number[]>();
  edges.target.forEach((target, edge) => {
    const known = found.get(target);
    if (known === undefined) found.set(target, [edge]);
    else known.push(edge);
  });
  return found;
}

/** The graph with a field `by_degree` in each of its links, which files keep: parts of the weight, degree 0 first. */
export function withDegrees(
  graph: AttributionGraph,
  { degrees, values }: EdgeDegrees,
): AttributionGraph {
  const { source, target, weight, fields } = graph.edges;
  const own = new Map<number, Fields>();
  weight.forEach((one, edge) => {
    const parts = values.slice(edge * degrees, (edge + 1) * degrees);
    const last = parts.findLastIndex((part) => part !== 0);
    own.set(edge, {
      source: graph.nodes[source[edge] ?? -1]?.id,
      target: graph.nodes[target[edge] ?? -1]?.id,
      weight: one,
      ...fields.get(edge),
      by_degree: Array.from(parts.slice(0, last + 1)),
    });
  });
  return { ...graph, edges: { ...graph.edges, fields: own } };
}
