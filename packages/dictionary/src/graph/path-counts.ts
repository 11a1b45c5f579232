import { orderOf } from "./cycle.ts";
import type { AttributionGraph } from "./graph.ts";
import { type PathFactors, type PathOptions, pathFactors, startsOf } from "./path-measure.ts";

/** How many paths there are. */
export interface PathCounts {
  readonly total: bigint;
  /** By their number of edges: `[k]` have k. */
  readonly byEdges: readonly bigint[];
}

/**
 * The number of paths to logits that count. They are counted, not made: a graph of some thousand edges has more paths
 * than could be listed.
 *
 * @throws InputError `dictionary/cycle`, `dictionary/no-node`, and as `pathFactors`
 */
export function countPaths(graph: AttributionGraph, options: PathOptions = {}): PathCounts {
  orderOf(graph);
  const factors = pathFactors(graph, options);
  return countsOf(factors, startsOf(factors.matrix, options.from));
}

/** The same, of factors. */
export function countsOf({ matrix, weights }: PathFactors, from: readonly number[]): PathCounts {
  const { size, starts, columns, values } = matrix;
  const byEdges = [0n]; // a path has an edge
  let ways: bigint[] = Array.from(weights, (one) => (one === 0 ? 0n : 1n));
  for (;;) {
    const next: bigint[] = new Array(size).fill(0n);
    let any = false;
    for (let t = 0; t < size; t++) {
      const own = ways[t] ?? 0n;
      if (own === 0n) continue;
      for (let e = starts[t] ?? 0; e < (starts[t + 1] ?? 0); e++) {
        if (values[e] === 0) continue; // so small that it was rounded away
        const s = columns[e] ?? 0;
        next[s] = (next[s] ?? 0n) + own;
        any = true;
      }
    }
    if (!any) break;
    byEdges.push(from.reduce((sum, s) => sum + (next[s] ?? 0n), 0n));
    ways = next;
  }
  return { total: byEdges.reduce((sum, one) => sum + one, 0n), byEdges };
}
