import { InputError } from "@resolvent/tensor";
import { someNames } from "@resolvent/transformer";
import type { AttributionGraph } from "./graph.ts";
import { keptGraph } from "./kept.ts";
import { type GraphNode, nodeOf } from "./node.ts";
import { errorFields } from "./records.ts";

/** A group of nodes that a viewer shows as one. */
export interface Supernode {
  readonly label: string;
  readonly ids: readonly string[];
}

/** The ids of the nodes that the file pins; page addresses have them with commas between. */
export function pinnedIds({ qParams }: Pick<AttributionGraph, "qParams">): readonly string[] {
  const { pinnedIds: ids } = qParams;
  if (typeof ids === "string") return ids.split(",").filter((id) => id !== "");
  return Array.isArray(ids) ? ids.map(String) : [];
}

/** The groups of the file; page addresses have them as JSON. What is none is passed over. */
export function supernodes({ qParams }: Pick<AttributionGraph, "qParams">): readonly Supernode[] {
  const groups = listIn(qParams.supernodes);
  return groups.flatMap((group) => {
    if (!Array.isArray(group) || group.length === 0) return [];
    const [label, ...ids] = group.map(String);
    return [{ label: label ?? "", ids }];
  });
}

function listIn(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== "string" || value === "") return [];
  try {
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return []; // some other text
  }
}

/** The graph with these nodes pinned and, where they are given, these groups. */
export function withPins(
  graph: AttributionGraph,
  ids: readonly string[],
  groups?: readonly Supernode[],
): AttributionGraph {
  refuseUnknown(graph, [...ids, ...(groups ?? []).flatMap((group) => group.ids)]);
  const own = groups?.map(({ label, ids: members }) => [label, ...members]);
  const qParams = { ...graph.qParams, pinnedIds: [...ids], ...(own && { supernodes: own }) };
  return { ...graph, qParams };
}

/** The graph of some nodes by their ids, with all tokens and logits: what a viewer shows of the pinned ones. */
export function subgraph(graph: AttributionGraph, ids: readonly string[]): AttributionGraph {
  refuseUnknown(graph, ids);
  const wanted = new Set(ids);
  const nodes = Uint8Array.from(graph.nodes, ({ id, kind }) =>
    wanted.has(id) || kind === "token" || kind === "logit" ? 1 : 0,
  );
  return keptGraph(graph, { nodes });
}

/** `dictionary/no-node`: ids that no node has. */
export function refuseUnknown(
  graph: Pick<AttributionGraph, "nodes">,
  ids: readonly string[],
): void {
  const known = new Set(graph.nodes.map(({ id }) => id));
  const odd = [...new Set(ids)].filter((id) => !known.has(id));
  if (odd.length === 0) return;
  throw new InputError({
    code: "dictionary/no-node",
    message: `${odd.length} of ${ids.length} ids are of no node: ${someNames(odd)}.`,
    remedy: `The graph has ${known.size} ids, such as ${someNames([...known].slice(0, 3))}.`,
    details: { ids: odd },
  });
}

/**
 * The graph in which features that are not among these count as errors, as Neuronpedia scores a subgraph: what an MLP's
 * feature does is added to the error of its layer and position, which is made where it is missing, and the feature goes.
 */
export function unpinnedAsErrors(
  graph: AttributionGraph,
  ids: readonly string[] = pinnedIds(graph),
): AttributionGraph {
  const pinned = new Set(ids);
  const taken = new Set(graph.nodes.map(({ id }) => id));
  const errors = new Map<string, number>();
  const placeOf = ({ layer, position }: GraphNode): string => `${layer} ${position}`;
  graph.nodes.forEach((node, i) => {
    if (node.kind === "error" && !node.attention) errors.set(placeOf(node), i);
  });
  const nodes = [...graph.nodes];
  const moved = new Map<number, number>();
  graph.nodes.forEach((node, i) => {
    const { kind, attention, layer, position, id } = node;
    if (kind !== "feature" || attention || layer === null || pinned.has(id)) return;
    const known = errors.get(placeOf(node));
    const error = known ?? nodes.push(nodeOf(errorFields(layer, position, { taken }), 1)) - 1;
    errors.set(placeOf(node), error);
    moved.set(i, error);
  });
  const { source, target, weight, fields } = graph.edges;
  const stays = Uint8Array.from(nodes, (_, i) => (moved.has(i) ? 0 : 1));
  const own = new Map([...fields].filter(([e]) => !moved.has(source[e] ?? 0)));
  const edges = { source: source.map((s) => moved.get(s) ?? s), target, weight, fields: own };
  return keptGraph({ ...graph, nodes, edges }, { nodes: stays });
}
