import { InputError } from "@resolvent/tensor";
import { orderOf } from "./cycle.ts";
import type { AttributionGraph } from "./graph.ts";
import { MAX_TERM_NUMBERS } from "./limits.ts";
import { type GraphMatrix, matrixOf, normalised, timesMatrix } from "./matrix.ts";

/** How much each node has to do with the logits, and how that comes about. */
export interface Influence {
  /** `I = wÂ + wÂ² + …`, a number for each node. */
  readonly total: Float64Array;
  /** Its terms: `[k − 1]` is `wÂᵏ`, the influence along paths of exactly k edges. */
  readonly byEdges: readonly Float64Array[];
  /** What longer paths give, where there are more terms than were to be kept; null where all are there. */
  readonly longer: Float64Array | null;
  /** `w`: the weights of the logits, 0 elsewhere. */
  readonly weights: Float64Array;
  /** `max |Σ terms − I| / max I`: the two are computed apart. */
  readonly certificate: number;
}

export interface InfluenceOptions {
  /** A weight for each node; default the probabilities of the logits, as in circuit-tracer. */
  readonly weights?: Float64Array;
  /** Terms that are kept one by one; default all, as far as 128 MiB hold them. */
  readonly termsAtMost?: number;
}

/** The probabilities of the logits, 0 of all other nodes. */
export function logitWeights({ nodes }: Pick<AttributionGraph, "nodes">): Float64Array {
  return Float64Array.from(nodes, ({ probability }) => probability ?? 0);
}

/**
 * The influence of each node on the logits, **by number of edges**: the power series of circuit-tracer
 * (Ameisen et al. 2025), `I = wÂ + wÂ² + …` with `Â = |A| / max(row sum, 1e-10)`, and its terms. They end, because
 * the graph has no cycle.
 *
 * @throws InputError `dictionary/cycle`; `dictionary/bad-weights` where there is not one for each node
 */
export function influence(graph: AttributionGraph, options: InfluenceOptions = {}): Influence {
  const weights = options.weights ?? logitWeights(graph);
  checkWeights(weights, graph.nodes.length);
  const order = orderOf(graph);
  const shares = normalised(matrixOf(graph));
  const total = seriesSum(shares, weights, order);
  const most = options.termsAtMost ?? Math.max(1, Math.floor(MAX_TERM_NUMBERS / (shares.size + 1)));
  const byEdges: Float64Array[] = [];
  const sum = new Float64Array(shares.size);
  let longer: Float64Array | null = null;
  for (const term of powerTerms(shares, weights)) {
    added(sum, term);
    if (byEdges.length < most) byEdges.push(term);
    else longer = added(longer ?? new Float64Array(shares.size), term);
  }
  return { total, byEdges, longer, weights, certificate: apart(sum, total) };
}

/** One for each node. */
export function checkWeights(weights: Float64Array, nodes: number): void {
  if (weights.length === nodes && weights.every(Number.isFinite)) return;
  throw new InputError({
    code: "dictionary/bad-weights",
    message: `The weights are ${weights.length} numbers for ${nodes} nodes, or are not all finite.`,
    remedy: "Give one finite number for each node, 0 to those that are not asked about.",
    details: { weights: weights.length, nodes },
  });
}

/** `wM + wM² + …`, in one pass over the nodes, the last first. */
export function seriesSum(
  { size, starts, columns, values }: GraphMatrix,
  weights: Float64Array,
  order: Int32Array,
): Float64Array {
  const total = new Float64Array(size);
  for (let i = size - 1; i >= 0; i--) {
    const t = order[i] ?? 0;
    const own = (weights[t] ?? 0) + (total[t] ?? 0);
    if (own === 0) continue;
    for (let e = starts[t] ?? 0; e < (starts[t + 1] ?? 0); e++) {
      const s = columns[e] ?? 0;
      total[s] = (total[s] ?? 0) + own * (values[e] ?? 0);
    }
  }
  return total;
}

/** The terms of the series one by one: `wM`, `wM²`, … until nothing is left. */
export function* powerTerms(matrix: GraphMatrix, weights: Float64Array): Generator<Float64Array> {
  let term = timesMatrix(weights, matrix);
  while (term.some((one) => one !== 0)) {
    yield term;
    term = timesMatrix(term, matrix);
  }
}

/** How far numbers are apart, relative to the largest of the second. */
export function apart(sum: Float64Array, total: Float64Array): number {
  let [most, largest] = [0, 0];
  for (let i = 0; i < total.length; i++) {
    most = Math.max(most, Math.abs((sum[i] ?? 0) - (total[i] ?? 0)));
    largest = Math.max(largest, Math.abs(total[i] ?? 0));
  }
  return largest === 0 ? most : most / largest;
}

/** Adds the second to the first, in its place. */
export function added(sum: Float64Array, term: Float64Array): Float64Array {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (term[i] ?? 0);
  return sum;
}

/**
 * The cumulative share of each node, as files have it in their field `influence`: 0 to 1, small = important. Nodes are
 * sorted by influence, the largest first, those with the same in their order.
 */
export function cumulativeInfluence(total: Float64Array): Float64Array {
  const order = Array.from(total.keys()).sort((a, b) => (total[b] ?? 0) - (total[a] ?? 0));
  const sum = order.reduce((so, node) => so + (total[node] ?? 0), 0);
  const shares = new Float64Array(total.length);
  let so = 0;
  for (const node of order) {
    so += total[node] ?? 0;
    shares[node] = sum === 0 ? 1 : so / sum;
  }
  return shares;
}
