import { orderOf } from "./cycle.ts";
import type { AttributionGraph } from "./graph.ts";
import { timesMatrix, withValues } from "./matrix.ts";
import { type PathFactors, type PathOptions, pathFactors, startsOf } from "./path-measure.ts";
import { carried, countAt, type WideCounts } from "./wide-counts.ts";

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
  // What was so small that it was rounded away is no edge.
  const edges = withValues(
    matrix,
    matrix.values.map((value) => (value === 0 ? 0 : 1)),
  );
  const byEdges = [0n]; // a path has an edge
  let ways: WideCounts = [weights.map((weight) => (weight === 0 ? 0 : 1))];
  for (;;) {
    const next = carried(ways.map((digit) => timesMatrix(digit, edges)));
    if (!next.some((digit) => digit.some((one) => one !== 0))) break;
    ways = next;
    byEdges.push(from.reduce((sum, node) => sum + countAt(next, node), 0n));
  }
  return { total: byEdges.reduce((sum, one) => sum + one, 0n), byEdges };
}
