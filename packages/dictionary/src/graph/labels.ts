import type { AttributionGraph } from "./graph.ts";
import type { GraphNode } from "./node.ts";

/** The graph with other labels: what `label` gives for a node, which keeps its own where that is nothing. */
export function withLabels(
  graph: AttributionGraph,
  label: (node: GraphNode) => string | undefined,
): AttributionGraph {
  const nodes = graph.nodes.map((node): GraphNode => {
    const own = label(node);
    if (own === undefined) return node;
    return { ...node, label: own, fields: { ...node.fields, clerp: own } };
  });
  return { ...graph, nodes };
}
