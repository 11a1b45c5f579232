import { InputError, type Shaped } from "@resolvent/tensor";
import type { Target } from "@resolvent/transformer";
import type { AttributionGraph } from "../graph/graph.ts";
import type { GraphNode } from "../graph/node.ts";
import type { ActiveFeature } from "./active-features.ts";
import type { ReplacedRun } from "./replaced-run.ts";
import type { Explained } from "./targets.ts";

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

/** The logits of a graph: indices of nodes, and what they are in the run. */
export function logitsOf(graph: Pick<AttributionGraph, "nodes">): {
  readonly nodes: readonly number[];
  readonly explained: Explained;
} {
  const nodes = graph.nodes.flatMap(({ kind }, i) => (kind === "logit" ? [i] : []));
  const [first] = nodes.flatMap((i) => graph.nodes[i] ?? []);
  const target = first && targetOfNode(first);
  if (target !== undefined) return { nodes, explained: { target } };
  return { nodes, explained: { tokens: nodes.map((i) => graph.nodes[i]?.feature ?? -1) } };
}

/** What a logit's node is in a run: the logit of a token less the mean, or a target. */
export function explainedOf(node: GraphNode): Explained {
  const target = targetOfNode(node);
  return target === undefined ? { tokens: [node.feature ?? -1] } : { target };
}

/** The target that a logit's node says it is; undefined of the logit of a token. */
export function targetOfNode({ kind, fields }: GraphNode): Target | undefined {
  const { target_tokens: tokens } = fields;
  if (kind !== "logit" || !Array.isArray(tokens)) return undefined;
  const [a, b = null, ...more]: unknown[] = tokens;
  if (typeof a !== "number" || more.length > 0) return undefined;
  return typeof b === "number" || b === null ? { a, b } : undefined;
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
  const isOwn = (node: GraphNode): boolean => {
    const { kind, layer, position, feature, activation, attention } = node;
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
      case "logit": {
        const { vocab } = model.architecture;
        const token = (id: number): boolean => Number.isInteger(id) && id >= 0 && id < vocab;
        const target = targetOfNode(node);
        if (target === undefined) return feature !== null && token(feature);
        return token(target.a) && (target.b === null || token(target.b));
      }
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
