import { InputError } from "@resolvent/tensor";
import { orderOf } from "./cycle.ts";
import { isObject } from "./fields.ts";
import type { AttributionGraph } from "./graph.ts";
import { cumulativeInfluence, logitWeights, seriesSum } from "./influence.ts";
import { keptGraph, withNodeFields } from "./kept.ts";
import { type GraphMatrix, matrixOf, normalised, rowsOf, withValues } from "./matrix.ts";
import type { GraphNode } from "./node.ts";

export interface PruneOptions {
  /** Nodes stay until their influence adds up to this share of all; default 0.8. */
  readonly nodeThreshold?: number;
  /** The same of edges; default 0.98. */
  readonly edgeThreshold?: number;
}

/** What is left of a graph. */
export interface Pruned {
  /** Its nodes have the cumulative share of influence in the whole graph as `influence`, logits null. */
  readonly graph: AttributionGraph;
  /** Indices of the nodes that stay. */
  readonly nodes: readonly number[];
  /** Indices of the edges that stay. */
  readonly edges: readonly number[];
  readonly nodeThreshold: number;
  readonly edgeThreshold: number;
  /** Influence of each node in the whole graph. */
  readonly influence: Float64Array;
  /** Its cumulative share, of the largest down. */
  readonly cumulative: Float64Array;
}

/**
 * The most influential part of a graph, as circuit-tracer prunes. Nodes stay whose influence is at least the one at
 * which the cumulative share first reaches the threshold, and all tokens and logits. Of what they have left, edges
 * stay by their score `Â[t,s] (I + w)[t]` in the same way. Then features and errors without outgoing edges go, and
 * features without incoming ones, until nothing changes.
 *
 * Only edges that are there have scores: a threshold of 1 keeps what circuit-tracer keeps of a graph that has no zeros.
 *
 * @throws InputError `dictionary/cycle`, `dictionary/bad-threshold`
 */
export function pruneGraph(
  graph: AttributionGraph,
  { nodeThreshold = 0.8, edgeThreshold = 0.98 }: PruneOptions = {},
): Pruned {
  checkThreshold("nodeThreshold", nodeThreshold);
  checkThreshold("edgeThreshold", edgeThreshold);
  const order = orderOf(graph);
  const matrix = matrixOf(graph);
  const weights = logitWeights(graph);
  const influence = seriesSum(normalised(matrix), weights, order);
  const least = valueReaching(influence, nodeThreshold);
  const nodes = Uint8Array.from(graph.nodes, (node, i) =>
    isEnd(node) || (influence[i] ?? 0) >= least ? 1 : 0,
  );
  const left = without(matrix, nodes);
  const scores = edgeScores(left, weights, order);
  const leastScore = valueReaching(scores, edgeThreshold);
  const entries = new Uint8Array(scores.length);
  for (let e = 0; e < scores.length; e++) {
    if (left.values[e] !== 0 && (scores[e] ?? 0) >= leastScore) entries[e] = 1;
  }
  dropLoose(graph.nodes, matrix, nodes, entries);
  const edges = keptEdges(graph, matrix.entryOf, nodes, entries);
  const cumulative = cumulativeInfluence(influence);
  const marked = withNodeFields(graph, (i) => influenceField(graph.nodes[i], cumulative[i]));
  return {
    graph: withThresholds(keptGraph(marked, { nodes, edges }), nodeThreshold, edgeThreshold),
    nodes: indicesOf(nodes),
    edges: indicesOf(edges),
    ...{ nodeThreshold, edgeThreshold, influence, cumulative },
  };
}

/** A whole graph as pruning would mark it: its nodes have their cumulative shares of influence. */
export function unprunedGraph(graph: AttributionGraph): AttributionGraph {
  const influence = seriesSum(normalised(matrixOf(graph)), logitWeights(graph), orderOf(graph));
  const cumulative = cumulativeInfluence(influence);
  const marked = withNodeFields(graph, (i) => influenceField(graph.nodes[i], cumulative[i]));
  return withThresholds(marked, 1, 1);
}

/** What a node's file says of its influence: logits have none. */
function influenceField(
  node: GraphNode | undefined,
  cumulative: number | undefined,
): { readonly influence: number | null } {
  return { influence: node?.kind === "logit" ? null : (cumulative ?? null) };
}

function checkThreshold(option: string, got: number): void {
  if (got >= 0 && got <= 1) return;
  throw new InputError({
    code: "dictionary/bad-threshold",
    message: `${option} is a share from 0 to 1, got ${got}.`,
    remedy: "circuit-tracer takes 0.8 of nodes and 0.98 of edges.",
    details: { option, got },
  });
}

/** Tokens and logits always stay, and biases, which are constants of what stays. */
const isEnd = ({ kind }: GraphNode): boolean =>
  kind === "token" || kind === "logit" || kind === "bias";

/** The value at which the cumulative share, of the largest down, first reaches a threshold. */
function valueReaching(values: Float64Array, threshold: number): number {
  const rising = values.toSorted();
  let sum = 0;
  for (let i = rising.length - 1; i >= 0; i--) sum += rising[i] ?? 0;
  let so = 0;
  for (let i = rising.length - 1; i >= 0; i--) {
    so += rising[i] ?? 0;
    if (so / sum >= threshold) return rising[i] ?? 0;
  }
  return rising[0] ?? 0;
}

/** The matrix with nothing in the rows and columns of nodes that go. */
function without(matrix: GraphMatrix, stays: Uint8Array): GraphMatrix {
  const rows = rowsOf(matrix);
  const values = new Float64Array(matrix.values.length);
  for (let e = 0; e < values.length; e++) {
    const whole = stays[rows[e] ?? 0] === 1 && stays[matrix.columns[e] ?? 0] === 1;
    if (whole) values[e] = matrix.values[e] ?? 0;
  }
  return withValues(matrix, values);
}

/** `Â[t,s] (I + w)[t]` of each entry. */
function edgeScores(matrix: GraphMatrix, weights: Float64Array, order: Int32Array): Float64Array {
  const shares = normalised(matrix);
  const total = seriesSum(shares, weights, order);
  const { starts, values: scores } = shares; // made for this
  for (let t = 0; t < matrix.size; t++) {
    const own = (total[t] ?? 0) + (weights[t] ?? 0);
    for (let e = starts[t] ?? 0; e < (starts[t + 1] ?? 0); e++) scores[e] = (scores[e] ?? 0) * own;
  }
  return scores;
}

/** Takes away, in their places, features and errors that nothing reads, features that read nothing, and their edges. */
function dropLoose(
  all: readonly GraphNode[],
  matrix: GraphMatrix,
  nodes: Uint8Array,
  entries: Uint8Array,
): void {
  const rows = rowsOf(matrix);
  for (let changed = true; changed; ) {
    const [reads, isRead] = [new Uint8Array(all.length), new Uint8Array(all.length)];
    for (let e = 0; e < entries.length; e++) {
      const [s, t] = [matrix.columns[e] ?? 0, rows[e] ?? 0];
      if (nodes[s] === 0 || nodes[t] === 0) entries[e] = 0;
      if (entries[e] === 0) continue;
      reads[t] = 1;
      isRead[s] = 1;
    }
    changed = false;
    all.forEach((node, i) => {
      if (nodes[i] === 0 || isEnd(node)) return;
      if (isRead[i] === 1 && (reads[i] === 1 || node.kind !== "feature")) return;
      nodes[i] = 0;
      changed = true;
    });
  }
}

/** What the file says of how it was pruned. */
function withThresholds(
  graph: AttributionGraph,
  nodeThreshold: number,
  edgeThreshold: number,
): AttributionGraph {
  const { pruning_settings: settings } = graph.metadata;
  const pruning_settings = {
    ...(isObject(settings) && settings),
    node_threshold: nodeThreshold,
    edge_threshold: edgeThreshold,
  };
  const metadata = { ...graph.metadata, node_threshold: nodeThreshold, pruning_settings };
  return { ...graph, metadata };
}

/** Edges that stay: those of entries that do, and of what stays the constants. */
function keptEdges(
  { nodes: all, edges: { source, target } }: AttributionGraph,
  entryOf: Int32Array,
  nodes: Uint8Array,
  entries: Uint8Array,
): Uint8Array {
  const edges = new Uint8Array(source.length);
  for (let e = 0; e < source.length; e++) {
    const isBias = all[source[e] ?? 0]?.kind === "bias";
    edges[e] = isBias ? (nodes[target[e] ?? 0] ?? 0) : (entries[entryOf[e] ?? -1] ?? 0);
  }
  return edges;
}

function indicesOf(flags: Uint8Array): number[] {
  const indices: number[] = [];
  for (let i = 0; i < flags.length; i++) if (flags[i] === 1) indices.push(i);
  return indices;
}
