import { orderOf } from "./cycle.ts";
import type { AttributionGraph } from "./graph.ts";
import { added, apart, powerTerms, seriesSum } from "./influence.ts";
import { noActivation, type PathMeasureOptions, pathFactors } from "./path-measure.ts";

/** What paths of a number of edges add up to, by where they begin. */
export interface TotalByEdges {
  readonly edges: number;
  /** Paths from tokens, from errors, and from other nodes without inputs. */
  readonly tokens: number;
  readonly errors: number;
  readonly others: number;
  /** Constants of rows (biases), carried on: through `edges` edges. 0 where none were given. */
  readonly constants: number;
}

/** A logit as a sum over all paths to it. */
export interface SignedTotals {
  /** `[k]` has k edges; the first, of no edge, is the constant of the logit's own row. */
  readonly byEdges: readonly TotalByEdges[];
  /** The sum of all of them. */
  readonly total: number;
  /** What each node passes on in all: of nodes without inputs, their part of the total. */
  readonly through: Float64Array;
  /** How far the sum over numbers of edges is from the sum in one pass, relative to the largest part. */
  readonly certificate: number;
}

export interface SignedTotalsOptions extends PathMeasureOptions {
  /** The constant of each node's row, what its value has beside its edges; files have none. Only with effects. */
  readonly constants?: Float64Array;
}

/**
 * All paths from nodes without inputs to the logits, added up by their number of edges: with the measure `effect` the
 * logit itself, when the constants of rows are given, and else the logit without its biases. Features are passed, so
 * that k edges pass k − 1 of them.
 *
 * @throws InputError as `pathFactors`; `dictionary/cycle`
 */
export function signedTotals(
  graph: AttributionGraph,
  { constants, ...options }: SignedTotalsOptions = {},
): SignedTotals {
  const { matrix, weights } = pathFactors(graph, { measure: "effect", ...options });
  const total = seriesSum(matrix, weights, orderOf(graph));
  const { starts } = matrix;
  const { nodes } = graph;
  const isStart = nodes.map((_, i) => starts[i] === starts[i + 1]);
  // A constant is a share of its node's value, as an edge is.
  const shareOf = (i: number): number => {
    const constant = constants?.[i] ?? 0;
    const { kind, activation } = nodes[i] ?? {};
    if (constant === 0 || kind === "logit") return constant;
    if (!activation) throw noActivation(nodes, [i]);
    return constant / activation;
  };
  const kindOf = (i: number): "tokens" | "errors" | "others" => {
    const kind = nodes[i]?.kind;
    return kind === "token" ? "tokens" : kind === "error" ? "errors" : "others";
  };
  const row = (edges: number, term: Float64Array): TotalByEdges => {
    const sums = { tokens: 0, errors: 0, others: 0, constants: 0 };
    term.forEach((value, i) => {
      if (isStart[i] && edges > 0) sums[kindOf(i)] += value;
      if (value !== 0) sums.constants += value * shareOf(i);
    });
    return { edges, ...sums };
  };
  const byEdges = [row(0, weights)];
  const sum = new Float64Array(matrix.size);
  for (const term of powerTerms(matrix, weights)) {
    added(sum, term);
    byEdges.push(row(byEdges.length, term));
  }
  return {
    byEdges,
    total: byEdges.reduce(
      (so, one) => so + one.tokens + one.errors + one.others + one.constants,
      0,
    ),
    through: total,
    certificate: apart(sum, total),
  };
}
