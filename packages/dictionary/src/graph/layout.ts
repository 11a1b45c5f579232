import { InputError } from "@resolvent/tensor";
import { orderOf } from "./cycle.ts";
import { type AttributionGraph, promptTokens } from "./graph.ts";
import { logitWeights, seriesSum } from "./influence.ts";
import { keptGraph } from "./kept.ts";
import { matrixOf, normalised } from "./matrix.ts";
import { type GraphNode, nodeName } from "./node.ts";

/** A graph as rows and places, for the mark `graph` of figures. */
export interface GraphLayout {
  /** Names of the nodes of each layer, tokens first, logits last, in each by position. */
  readonly layers: readonly (readonly string[])[];
  /** What each name stands for, in the same order. */
  readonly nodes: readonly PlacedNode[];
  /** The edges between these nodes, the largest first. */
  readonly edges: readonly {
    readonly from: string;
    readonly to: string;
    readonly weight: number;
  }[];
  /** Nodes and edges that are not shown. */
  readonly left: { readonly nodes: number; readonly edges: number };
}

export interface PlacedNode {
  readonly name: string;
  /** Its index in the graph. */
  readonly node: number;
  /** The row, from below. */
  readonly row: number;
  /** The column. */
  readonly position: number;
}

export interface LayoutOptions {
  /** Nodes that are shown at most: the most influential, and all logits; default 60. */
  readonly nodesAtMost?: number;
  /** Edges that are shown at most, the largest; default all. */
  readonly edgesAtMost?: number;
}

/**
 * A graph as **layers × positions**: tokens at the bottom, logits on top, places fixed by what the nodes are. Names are
 * their own, also where ids are not.
 *
 * @throws InputError `dictionary/bad-count`; `dictionary/cycle` where nodes have to be chosen
 */
export function graphLayout(
  graph: AttributionGraph,
  { nodesAtMost = 60, edgesAtMost = Number.POSITIVE_INFINITY }: LayoutOptions = {},
): GraphLayout {
  checkCount("nodesAtMost", nodesAtMost);
  checkCount("edgesAtMost", edgesAtMost);
  const chosen = mostInfluential(graph, nodesAtMost);
  const rows = rowsOfNodes(chosen.map((i) => graph.nodes[i] as GraphNode)); // indices of nodes
  const tokens = promptTokens(graph);
  const used = new Map<string, number>();
  const nodes = chosen
    .map((node, i): PlacedNode => {
      const name = nodeName(graph.nodes[node] as GraphNode, tokens); // an index of a node
      const times = (used.get(name) ?? 0) + 1;
      used.set(name, times);
      const position = graph.nodes[node]?.position ?? 0;
      return { name: times === 1 ? name : `${name} (${times})`, node, row: rows[i] ?? 0, position };
    })
    .sort((a, b) => a.row - b.row || a.position - b.position || a.node - b.node);
  const names = new Map(nodes.map(({ node, name }) => [node, name]));
  const stays = Uint8Array.from(graph.nodes, (_, i) => (names.has(i) ? 1 : 0));
  const places = [...names.keys()].sort((a, b) => a - b);
  const { source, target, weight } = keptGraph(graph, { nodes: stays }).edges;
  const edges = Array.from(weight, (one, e) => ({
    from: names.get(places[source[e] ?? 0] ?? 0) ?? "",
    to: names.get(places[target[e] ?? 0] ?? 0) ?? "",
    weight: one,
  }))
    .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
    .slice(0, edgesAtMost);
  const layers: string[][] = [];
  for (const { row, name } of nodes) {
    layers[row] ??= [];
    layers[row].push(name);
  }
  const left = {
    nodes: graph.nodes.length - nodes.length,
    edges: graph.edges.source.length - edges.length,
  };
  return { layers, nodes, edges, left };
}

/** All nodes where they are few enough, else all logits and those with the most influence. */
function mostInfluential(graph: AttributionGraph, most: number): number[] {
  const all = graph.nodes.map((_, i) => i);
  if (all.length <= most) return all;
  const total = seriesSum(normalised(matrixOf(graph)), logitWeights(graph), orderOf(graph));
  const rank = (i: number): number =>
    graph.nodes[i]?.kind === "logit" ? Number.POSITIVE_INFINITY : (total[i] ?? 0);
  return all.sort((a, b) => (rank(b) === rank(a) ? a - b : rank(b) - rank(a))).slice(0, most);
}

/** The row of each node: tokens 0, then the layers that there are, attention below MLPs and errors beside features, logits on top. */
function rowsOfNodes(nodes: readonly GraphNode[]): number[] {
  const level = ({ kind, layer, attention }: GraphNode): number => {
    if (kind === "token") return Number.NEGATIVE_INFINITY;
    return kind === "logit" ? Number.POSITIVE_INFINITY : (layer ?? -1) - (attention ? 0.5 : 0);
  };
  const levels = [...new Set(nodes.map(level))].sort((a, b) => (a < b ? -1 : 1));
  const row = new Map(levels.map((one, i) => [one, i]));
  return nodes.map((node) => row.get(level(node)) ?? 0);
}

function checkCount(option: string, got: number): void {
  if (got === Number.POSITIVE_INFINITY || (Number.isInteger(got) && got >= 1)) return;
  throw new InputError({
    code: "dictionary/bad-count",
    message: `${option} is a whole number from 1, got ${got}.`,
    remedy: "Leave it out to take the default.",
    details: { option, got },
  });
}
