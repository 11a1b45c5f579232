import type { AttributionGraph } from "./graph.ts";
import { refuseUnknown, type Supernode, supernodes } from "./pins.ts";

/** What all edges between two groups come to. */
export interface GroupEdge {
  readonly source: string;
  readonly target: string;
  /** Sum of the weights. */
  readonly weight: number;
  /** Sum of their sizes: more than `|weight|` where some cancel. */
  readonly absolute: number;
  /** How many edges. */
  readonly edges: number;
}

/** A graph whose nodes are put together. */
export interface GroupedGraph {
  /** The groups in their order, then each node that is in none, called by its id. */
  readonly groups: readonly { readonly label: string; readonly nodes: readonly number[] }[];
  /** Between groups, and within one (`source` = `target`): all of them add up to the sum of all edges of the graph. */
  readonly edges: readonly GroupEdge[];
}

/**
 * The graph with groups of nodes for nodes: sums of the edges between them. A node that is in several groups is in the
 * first. Weights on one target are in its own units, so that sums over targets compare only what is alike.
 *
 * @throws InputError `dictionary/no-node`
 */
export function groupGraph(
  graph: AttributionGraph,
  groups: readonly Supernode[] = supernodes(graph),
): GroupedGraph {
  refuseUnknown(
    graph,
    groups.flatMap(({ ids }) => ids),
  );
  const first = new Map<string, number>();
  groups.forEach(({ ids }, group) => {
    for (const id of ids) if (!first.has(id)) first.set(id, group);
  });
  const labels = groups.map(({ label }) => label);
  const members: number[][] = groups.map(() => []);
  const groupOf = graph.nodes.map(({ id }, i) => {
    const group = first.get(id) ?? labels.push(id) - 1;
    members[group] ??= [];
    members[group].push(i);
    return group;
  });
  const sums = new Map<number, { weight: number; absolute: number; edges: number }>();
  const { source, target, weight } = graph.edges;
  for (let e = 0; e < source.length; e++) {
    const [s, t] = [groupOf[source[e] ?? 0] ?? 0, groupOf[target[e] ?? 0] ?? 0];
    const key = s * labels.length + t;
    const sum = sums.get(key) ?? { weight: 0, absolute: 0, edges: 0 };
    sum.weight += weight[e] ?? 0;
    sum.absolute += Math.abs(weight[e] ?? 0);
    sum.edges++;
    sums.set(key, sum);
  }
  return {
    groups: labels.map((label, i) => ({ label, nodes: members[i] ?? [] })),
    edges: [...sums].map(([key, sum]) => ({
      source: labels[Math.floor(key / labels.length)] ?? "",
      target: labels[key % labels.length] ?? "",
      ...sum,
    })),
  };
}
