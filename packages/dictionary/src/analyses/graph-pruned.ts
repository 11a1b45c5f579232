import { isInputError } from "@resolvent/tensor";
import { cycleIn } from "../graph/cycle.ts";
import type { AttributionGraph } from "../graph/graph.ts";
import { graphFile } from "../graph/graph-file.ts";
import { influence } from "../graph/influence.ts";
import { matrixOf } from "../graph/matrix.ts";
import { type SignedTotals, signedTotals } from "../graph/signed-totals.ts";
import { type GraphAsked, likeliestLogit, nodeNames, prunedTo, scoresOf } from "./graph-facts.ts";
import type { GraphResult } from "./graph-result.ts";
import { graphOf } from "./graph-tables.ts";

/**
 * A result pruned to other thresholds, without a model: as the analysis gives it with these, where it gave the whole
 * graph (both thresholds 1). Of heads and checks what is of edges that are left.
 */
export function prunedResult(
  result: GraphResult,
  asked: Pick<GraphAsked, "nodeThreshold" | "edgeThreshold">,
): GraphResult {
  const graph = graphOf(result);
  if (cycleIn(matrixOf(graph)) !== undefined) return result;
  const { nodeThreshold, edgeThreshold } = asked;
  const pruned = prunedTo(graph, asked, result.paths.measure);
  const names = nodeNames(pruned.graph);
  const { source, target } = pruned.graph.edges;
  const left = new Set(Array.from(source, (s, e) => `${names[s]} ${names[target[e] ?? -1]}`));
  const stays = ({ from, to }: { readonly from: string; readonly to: string }): boolean =>
    left.has(`${from} ${to}`);
  return {
    ...result,
    scores: { whole: result.scores.whole, pruned: scoresOf(pruned.graph) },
    pruned: {
      ...{ nodes: pruned.graph.nodes.length, edges: pruned.graph.edges.weight.length },
      ...{ nodeThreshold, edgeThreshold },
    },
    hops: result.hops.filter(stays),
    verified: result.verified.filter(stays),
    graph: graphFile(pruned.graph),
  };
}

/** What pruning has taken away of a graph. */
export interface PrunedSums {
  readonly nodes: number;
  readonly edges: number;
  /** The share of all nodes' influence that the nodes had; null where a cycle leaves none. */
  readonly influence: number | null;
  /** The target, or the likeliest logit, as a sum of paths; null where a file has no activations. */
  readonly effect: {
    /** What the paths that are left add up to. */
    readonly left: number;
    /** What all others do, with the biases where the result knows them: exactly the rest. */
    readonly others: number;
  } | null;
}

/** What a pruned result leaves out of the one that it was pruned from, in exact sums. */
export function prunedSums(pruned: GraphResult, from: GraphResult): PrunedSums {
  const [graph, whole] = [graphOf(pruned), graphOf(from)];
  const totals = targetTotals(graph);
  const all = totalOf(from) ?? targetTotals(whole)?.total;
  return {
    nodes: whole.nodes.length - graph.nodes.length,
    edges: whole.edges.weight.length - graph.edges.weight.length,
    influence: from.pruned === null ? null : influenceLeftOut(whole, graph),
    effect:
      totals === undefined || all === undefined
        ? null
        : { left: totals.total, others: all - totals.total },
  };
}

/** What all paths add up to, biases included, where the result says so. */
function totalOf({ total, logits }: GraphResult): number | undefined {
  const [likeliest] = logits.toSorted((a, b) => (b.probability ?? 0) - (a.probability ?? 0));
  return total ?? likeliest?.total ?? undefined;
}

/** Paths of a graph to its target, or its likeliest logit; undefined where they have no effects. */
export function targetTotals(graph: AttributionGraph): SignedTotals | undefined {
  const target = likeliestLogit(graph);
  if (target === undefined || cycleIn(matrixOf(graph)) !== undefined) return undefined;
  const weights = new Float64Array(graph.nodes.length);
  weights[target] = 1;
  try {
    return signedTotals(graph, { measure: "effect", weights });
  } catch (error) {
    if (isInputError(error) && error.code === "dictionary/no-activation") return undefined;
    throw error;
  }
}

/** The share of influence of nodes that are in one graph and not in the other. */
function influenceLeftOut(whole: AttributionGraph, left: AttributionGraph): number {
  const { total } = influence(whole, { termsAtMost: 1 });
  const kept = new Set(left.nodes.map(({ fields }) => fields.node_id));
  let [out, all] = [0, 0];
  whole.nodes.forEach(({ fields }, i) => {
    all += total[i] ?? 0;
    if (!kept.has(fields.node_id)) out += total[i] ?? 0;
  });
  return all === 0 ? 0 : out / all;
}
