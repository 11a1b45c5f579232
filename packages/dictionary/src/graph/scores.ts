import { orderOf } from "./cycle.ts";
import { finiteIn, isObject } from "./fields.ts";
import type { AttributionGraph } from "./graph.ts";
import { logitWeights, seriesSum } from "./influence.ts";
import { matrixOf, normalised } from "./matrix.ts";

/** How much of a graph goes through features, and not through errors: circuit-tracer's two scores, 0 to 1. */
export interface GraphScores {
  /** `I(tokens) / (I(tokens) + I(errors))`: of the influence that ends somewhere, what comes from tokens. */
  readonly replacement: number | null;
  /** `Σ_t (1 − Σ_errors Â[t,·]) (I + w)[t] / Σ_t (I + w)[t]`: of the inputs of nodes, what is no error. */
  readonly completeness: number | null;
  /** Why there is none. */
  readonly reason?: string;
}

/**
 * Replacement and completeness of this graph, as it is: a file that was pruned has others than the graph that it was
 * pruned from. circuit-tracer prints those of the whole graph, Neuronpedia those of the file.
 *
 * Without logits that have a probability, and with features of attention, for which they are not defined, there are
 * none, and `reason` says why (Neuronpedia writes −1).
 *
 * @throws InputError `dictionary/cycle`
 */
export function graphScores(graph: AttributionGraph): GraphScores {
  const { nodes } = graph;
  const order = orderOf(graph);
  const none = (reason: string): GraphScores => ({ replacement: null, completeness: null, reason });
  const attention = nodes.filter((node) => node.attention).length;
  if (attention > 0) {
    return none(
      `${attention} of ${nodes.length} nodes are features or errors of attention, for which the scores are not defined`,
    );
  }
  const weights = logitWeights(graph);
  if (!weights.some((one) => one > 0)) return none("no logit has a probability");
  const shares = normalised(matrixOf(graph));
  const total = seriesSum(shares, weights, order);
  let [tokens, errors] = [0, 0];
  nodes.forEach(({ kind }, i) => {
    if (kind === "token") tokens += total[i] ?? 0;
    else if (kind === "error") errors += total[i] ?? 0;
  });
  let [explained, all] = [0, 0];
  const { starts, columns, values } = shares;
  for (let t = 0; t < nodes.length; t++) {
    let share = 0;
    for (let e = starts[t] ?? 0; e < (starts[t + 1] ?? 0); e++) {
      if (nodes[columns[e] ?? 0]?.kind === "error") share += values[e] ?? 0;
    }
    const own = (total[t] ?? 0) + (weights[t] ?? 0);
    explained += (1 - share) * own;
    all += own;
  }
  const completeness = explained / all;
  if (tokens + errors === 0) {
    return { replacement: null, completeness, reason: "no token and no error has influence" };
  }
  return { replacement: tokens / (tokens + errors), completeness };
}

/** Whether a graph was pruned before: what its file says, `unknown` where it says nothing. */
export function prunedBefore({
  metadata,
}: Pick<AttributionGraph, "metadata">):
  | { readonly nodes: number; readonly edges: number | null }
  | "whole"
  | "unknown" {
  const settings = isObject(metadata.pruning_settings) ? metadata.pruning_settings : {};
  const nodes = finiteIn(settings.node_threshold) ?? finiteIn(metadata.node_threshold);
  const edges = finiteIn(settings.edge_threshold);
  if (nodes === null) return "unknown";
  return nodes >= 1 && (edges ?? 1) >= 1 ? "whole" : { nodes, edges };
}
