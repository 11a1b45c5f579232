import type { Fields } from "./fields.ts";
import type { AttributionGraph } from "./graph.ts";

/** A file as circuit-tracer and Neuronpedia read it, once it is written as JSON. */
export interface GraphFile {
  readonly metadata: Fields;
  readonly qParams: Fields;
  readonly nodes: readonly Fields[];
  readonly links: readonly Fields[];
  readonly [field: string]: unknown;
}

/**
 * The graph as a plain object for `JSON.stringify`: everything that was read stands in it, in its order, links to
 * missing nodes and unknown fields included.
 */
export function graphFile({ nodes, edges, outside, ...graph }: AttributionGraph): GraphFile {
  const { source, target, weight, fields } = edges;
  const links: Fields[] = [];
  let next = 0;
  for (let i = 0; i <= source.length; i++) {
    for (; outside[next]?.after === i; next++) links.push(outside[next]?.fields ?? {});
    if (i === source.length) break;
    links.push(
      fields.get(i) ?? {
        source: nodes[source[i] ?? 0]?.id,
        target: nodes[target[i] ?? 0]?.id,
        weight: weight[i],
      },
    );
  }
  return {
    metadata: graph.metadata,
    qParams: graph.qParams,
    nodes: nodes.map((node) => node.fields),
    links,
    ...graph.fields,
  };
}
