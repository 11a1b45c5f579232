import { cycleIn } from "../graph/cycle.ts";
import type { AttributionGraph } from "../graph/graph.ts";
import { influence } from "../graph/influence.ts";
import { graphLayout } from "../graph/layout.ts";
import { matrixOf } from "../graph/matrix.ts";
import { type Pruned, pruneGraph, unprunedGraph } from "../graph/prune.ts";
import { graphScores } from "../graph/scores.ts";
import { strongestPaths } from "../graph/strongest-paths.ts";
import type { GraphResult, InfluenceFacts, ScoreFacts } from "./graph-result.ts";

/** What a graph is asked for, however it came about. */
export interface GraphAsked {
  readonly nodeThreshold: number;
  readonly edgeThreshold: number;
  readonly top: number;
}

/** What is said of any graph. */
export type GraphFacts = Pick<
  GraphResult,
  "nodes" | "edges" | "kinds" | "scores" | "influence" | "pruned" | "paths" | "listed"
>;

/** A graph after pruning. */
export type PrunedTo = Pick<Pruned, "graph">;

/** A graph pruned to thresholds. Where both are 1 nothing goes: a file stays as it is. */
export function prunedTo(
  graph: AttributionGraph,
  { nodeThreshold, edgeThreshold }: Pick<GraphAsked, "nodeThreshold" | "edgeThreshold">,
  measure: GraphResult["paths"]["measure"],
): PrunedTo {
  if (nodeThreshold !== 1 || edgeThreshold !== 1)
    return pruneGraph(graph, { nodeThreshold, edgeThreshold });
  return { graph: measure === "influence" ? graph : unprunedGraph(graph) };
}

/** Counts, scores, influence and the largest paths of a whole graph, and what pruning leaves of it. */
export function graphFacts(
  graph: AttributionGraph,
  asked: GraphAsked,
  measure: GraphResult["paths"]["measure"],
): { readonly facts: GraphFacts; readonly pruned: PrunedTo | undefined } {
  const { nodeThreshold, edgeThreshold, top } = asked;
  const kinds = { token: 0, feature: 0, error: 0, bias: 0, logit: 0, other: 0 };
  for (const { kind } of graph.nodes) kinds[kind]++;
  const counts = {
    ...{ nodes: graph.nodes.length, edges: graph.edges.weight.length, kinds, listed: top },
  };
  if (cycleIn(matrixOf(graph)) !== undefined) {
    const none: ScoreFacts = {
      ...{ replacement: null, completeness: null },
      reason: "the graph has a cycle",
    };
    const paths = { measure, shown: [], notShown: { count: "0", sum: 0 } };
    return {
      facts: {
        ...counts,
        ...{ scores: { whole: none, pruned: none }, influence: [], pruned: null, paths },
      },
      pruned: undefined,
    };
  }
  const pruned = prunedTo(graph, asked, measure);
  return {
    facts: {
      ...counts,
      scores: { whole: scoresOf(graph), pruned: scoresOf(pruned.graph) },
      influence: influenceOf(graph),
      pruned: {
        ...{ nodes: pruned.graph.nodes.length, edges: pruned.graph.edges.weight.length },
        ...{ nodeThreshold, edgeThreshold },
      },
      paths: pathsOf(graph, top, measure),
    },
    pruned,
  };
}

export function scoresOf(graph: AttributionGraph): ScoreFacts {
  const { replacement, completeness, reason = null } = graphScores(graph);
  return { replacement, completeness, reason };
}

/** What nodes without inputs have of the influence, by number of edges. */
function influenceOf(graph: AttributionGraph): InfluenceFacts[] {
  const { byEdges } = influence(graph);
  const { starts } = matrixOf(graph);
  return byEdges.map((term, i): InfluenceFacts => {
    const sums = { tokens: 0, errors: 0, others: 0 };
    graph.nodes.forEach(({ kind }, node) => {
      if (starts[node] !== starts[node + 1]) return;
      const of = kind === "token" ? "tokens" : kind === "error" ? "errors" : "others";
      sums[of] += term[node] ?? 0;
    });
    return { edges: i + 1, ...sums };
  });
}

/** The largest paths: effects on the likeliest logit, or influence on all. */
function pathsOf(
  graph: AttributionGraph,
  most: number,
  measure: GraphResult["paths"]["measure"],
): GraphResult["paths"] {
  const likeliest = likeliestLogit(graph);
  const weights = new Float64Array(graph.nodes.length);
  if (likeliest !== undefined) weights[likeliest] = 1;
  const found = strongestPaths(graph, {
    ...{ most, measure },
    ...(measure === "effect" && { weights }),
  });
  const names = nodeNames(graph);
  const left = found.count.total - BigInt(found.shown.length);
  return {
    measure,
    shown: found.shown.map(({ nodes, value }) => ({
      nodes: nodes.map((i) => names[i] ?? ""),
      effect: value,
    })),
    // Where all are shown, what they leave is rounding.
    notShown: { count: String(left), sum: left === 0n ? 0 : found.notShown },
  };
}

/** The index of the likeliest logit; undefined of a graph without one. */
export function likeliestLogit({ nodes }: Pick<AttributionGraph, "nodes">): number | undefined {
  let best: number | undefined;
  nodes.forEach(({ kind, probability }, i) => {
    if (kind !== "logit") return;
    if (best === undefined || (probability ?? 0) > (nodes[best]?.probability ?? 0)) best = i;
  });
  return best;
}

/** Names of all nodes, each its own: `L2.F88@4`. */
export function nodeNames(graph: AttributionGraph): readonly string[] {
  const names: string[] = [];
  const edges = {
    source: new Int32Array(0),
    target: new Int32Array(0),
    weight: new Float64Array(0),
    fields: new Map(),
  };
  const { nodes } = graphLayout({ ...graph, edges }, { nodesAtMost: Number.POSITIVE_INFINITY });
  for (const { node, name } of nodes) names[node] = name;
  return names;
}
