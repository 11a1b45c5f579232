import { InputError, type Shaped } from "@resolvent/tensor";
import type { AttributionGraph } from "../graph/graph.ts";
import type { GraphNode } from "../graph/node.ts";
import type { ActiveFeature } from "./active-features.ts";
import type { ReplacedRun } from "./replaced-run.ts";

/** The features that are nodes of a graph, in its order, with their indices. */
export function featuresOf(graph: Pick<AttributionGraph, "nodes">): {
  readonly nodes: readonly number[];
  readonly features: readonly ActiveFeature[];
} {
  const nodes: number[] = [];
  const features: ActiveFeature[] = [];
  graph.nodes.forEach(({ kind, layer, position, feature, activation }, i) => {
    if (kind !== "feature") return;
    nodes.push(i);
    features.push({
      ...{ layer: layer ?? -1, position, feature: feature ?? -1 },
      activation: activation ?? Number.NaN,
    });
  });
  return { nodes, features };
}

/** The logits of a graph: indices of nodes, and tokens. */
export function logitsOf(graph: Pick<AttributionGraph, "nodes">): {
  readonly nodes: readonly number[];
  readonly tokens: readonly number[];
} {
  const nodes = graph.nodes.flatMap(({ kind }, i) => (kind === "logit" ? [i] : []));
  return { nodes, tokens: nodes.map((i) => graph.nodes[i]?.feature ?? -1) };
}

/**
 * Whether a graph can be one of a run.
 *
 * @throws InputError `dictionary/other-graph` where a node is not of it
 */
export function checkOwn<T extends Shaped>(
  { nodes }: Pick<AttributionGraph, "nodes">,
  { run, replacements, model }: ReplacedRun<T>,
): void {
  const features = new Map(replacements.map((one) => [one.layer, one.features]));
  const isOwn = ({ kind, layer, position, feature, activation, attention }: GraphNode): boolean => {
    if (position >= run.positions || attention) return false;
    switch (kind) {
      case "feature": {
        const count = features.get(layer ?? -1) ?? 0;
        return feature !== null && feature >= 0 && feature < count && activation !== null;
      }
      case "error":
        return features.has(layer ?? -1);
      case "token":
        return run.ids.data[position] === feature;
      case "logit":
        return feature !== null && feature < model.architecture.vocab;
      default:
        return false;
    }
  };
  const other = nodes.find((node) => !isOwn(node));
  if (other === undefined) return;
  throw new InputError({
    code: "dictionary/other-graph",
    message: `${other.id} is no node of this run of ${model.name} on ${run.positions} tokens.`,
    remedy: "Give a graph that was made from this run, or a part of it.",
    details: { node: other.id, positions: run.positions },
  });
}

/**
 * The ends of an edge.
 *
 * @throws InputError `dictionary/no-edge`
 */
export function checkEdge(
  { nodes, edges }: AttributionGraph,
  edge: number,
): { readonly source: GraphNode; readonly target: GraphNode; readonly weight: number } {
  const source = nodes[edges.source[edge] ?? -1];
  const target = nodes[edges.target[edge] ?? -1];
  if (source !== undefined && target !== undefined) {
    return { source, target, weight: edges.weight[edge] ?? 0 };
  }
  throw new InputError({
    code: "dictionary/no-edge",
    message: `There is no edge ${edge}: the graph has ${edges.weight.length}.`,
    remedy: "Edges are counted from 0, in the order of the graph.",
    details: { edge, edges: edges.weight.length },
  });
}
