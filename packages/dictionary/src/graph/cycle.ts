import { InputError } from "@resolvent/tensor";
import type { AttributionGraph } from "./graph.ts";
import { type GraphMatrix, matrixOf, transposedMatrix } from "./matrix.ts";
import type { GraphNode } from "./node.ts";

/** A way along edges that comes back. */
export interface Cycle {
  /** Its nodes, each a source of the next, the last of the first. */
  readonly nodes: readonly number[];
  /** Nodes that are on cycles or between them. */
  readonly count: number;
}

/**
 * The nodes of a graph, each before those that it acts on. Of those that could come next, any.
 *
 * @throws InputError `dictionary/cycle`, which names one and says how many nodes are concerned
 */
export function orderOf(graph: Pick<AttributionGraph, "nodes" | "edges">): Int32Array {
  const matrix = matrixOf(graph);
  const order = sourcesFirst(matrix);
  if (order.length === matrix.size) return order;
  const { nodes, count } = cycleIn(matrix) ?? { nodes: [], count: 0 };
  throw new InputError({
    code: "dictionary/cycle",
    message: `The graph has a cycle: ${cycleText(graph.nodes, nodes)}; ${count} nodes are on cycles or between them. The sum over its paths need not end.`,
    remedy: "A graph of direct effects has none: make the file again.",
    details: { cycle: nodes.map((i) => graph.nodes[i]?.id ?? ""), count },
  });
}

/** A cycle, where there is one. */
export function cycleIn(matrix: GraphMatrix): Cycle | undefined {
  const { size, starts, columns } = matrix;
  const reachingNone = sourcesFirst(matrix);
  if (reachingNone.length === size) return undefined;
  const left = new Uint8Array(size).fill(1);
  for (const node of reachingNone) left[node] = 0;
  for (const node of sourcesFirst(transposedMatrix(matrix))) left[node] = 0;
  // Of those left, each has a source that is left: going back has to come round.
  const seen = new Map<number, number>();
  const walk: number[] = [];
  let at = left.indexOf(1);
  while (!seen.has(at)) {
    seen.set(at, walk.length);
    walk.push(at);
    const row = columns.subarray(starts[at] ?? 0, starts[at + 1] ?? 0);
    at = row.find((s) => left[s] === 1) ?? at;
  }
  const nodes = walk.slice(seen.get(at)).toReversed();
  return { nodes, count: left.reduce((sum, one) => sum + one, 0) };
}

/** A cycle in words: `a → b → a`. */
export function cycleText(nodes: readonly GraphNode[], cycle: readonly number[]): string {
  const ids = cycle.slice(0, 12).map((i) => nodes[i]?.id ?? String(i));
  const more = cycle.length > ids.length ? [`… (${cycle.length} nodes)`] : [];
  return [...ids, ...more, ids[0] ?? ""].join(" → ");
}

/** All nodes but those on cycles and those that reach one, each before those that it acts on. */
function sourcesFirst({ size, starts, columns }: GraphMatrix): Int32Array {
  // Targets are taken when nothing that they act on is left; the order is turned round.
  const waiting = new Int32Array(size); // how many targets a source still has
  for (let e = 0; e < columns.length; e++) {
    const s = columns[e] ?? 0;
    waiting[s] = (waiting[s] ?? 0) + 1;
  }
  const order = new Int32Array(size);
  let count = 0;
  for (let i = 0; i < size; i++) if (waiting[i] === 0) order[count++] = i;
  for (let next = 0; next < count; next++) {
    const t = order[next] ?? 0;
    for (let e = starts[t] ?? 0; e < (starts[t + 1] ?? 0); e++) {
      const s = columns[e] ?? 0;
      waiting[s] = (waiting[s] ?? 0) - 1;
      if (waiting[s] === 0) order[count++] = s;
    }
  }
  return order.slice(0, count).reverse();
}
