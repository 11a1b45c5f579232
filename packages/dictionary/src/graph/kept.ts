import type { Fields } from "./fields.ts";
import type { AttributionGraph, OutsideLink } from "./graph.ts";

/** What stays of a graph. */
export interface Kept {
  /** 1 for each node that stays. */
  readonly nodes: Uint8Array;
  /** 1 for each edge that stays, if both its ends do; default all. */
  readonly edges?: Uint8Array;
}

/**
 * The graph of some of its nodes and edges. Labels, unknown fields, pins and supernodes of what stays are kept; links
 * to missing nodes stay, but for those of nodes that go.
 */
export function keptGraph(
  graph: AttributionGraph,
  { nodes: stays, edges: some }: Kept,
): AttributionGraph {
  const place = new Int32Array(stays.length).fill(-1);
  const nodes = graph.nodes.filter((_, i) => stays[i] === 1);
  for (let i = 0, next = 0; i < stays.length; i++) if (stays[i] === 1) place[i] = next++;
  const { source, target, weight, fields } = graph.edges;
  const before = new Int32Array(source.length + 1); // edges that stay before each
  for (let e = 0, count = 0; e < source.length; e++) {
    const whole = place[source[e] ?? 0] !== -1 && place[target[e] ?? 0] !== -1;
    if (whole && (some === undefined || some[e] === 1)) count++;
    before[e + 1] = count;
  }
  const edges = {
    source: new Int32Array(before[source.length] ?? 0),
    target: new Int32Array(before[source.length] ?? 0),
    weight: new Float64Array(before[source.length] ?? 0),
  };
  for (let e = 0; e < source.length; e++) {
    const at = before[e] ?? 0;
    if (at === before[e + 1]) continue;
    edges.source[at] = place[source[e] ?? 0] ?? 0;
    edges.target[at] = place[target[e] ?? 0] ?? 0;
    edges.weight[at] = weight[e] ?? 0;
  }
  const ids = new Set(nodes.map(({ id }) => id));
  const gone = new Set(graph.nodes.map(({ id }) => id).filter((id) => !ids.has(id)));
  const own = new Map<number, Fields>();
  for (const [e, more] of fields) {
    const at = before[e] ?? 0;
    if (at !== before[e + 1]) own.set(at, more);
  }
  return {
    ...graph,
    nodes,
    edges: { ...edges, fields: own },
    outside: graph.outside
      .filter(({ fields: f }) => !gone.has(String(f.source)) && !gone.has(String(f.target)))
      .map((link): OutsideLink => ({ ...link, after: before[link.after] ?? 0 })),
    qParams: withoutIds(graph.qParams, gone),
  };
}

/** What a viewer shows, without nodes that are gone. */
function withoutIds(qParams: Fields, gone: ReadonlySet<string>): Fields {
  const { pinnedIds, supernodes, clickedId } = qParams;
  const stays = (id: unknown): boolean => typeof id !== "string" || !gone.has(id);
  const groups = Array.isArray(supernodes)
    ? supernodes.flatMap((group: unknown) => {
        if (!Array.isArray(group)) return [group];
        const [label, ...ids] = group;
        const left = ids.filter(stays);
        return left.length > 0 || ids.length === 0 ? [[label, ...left]] : [];
      })
    : supernodes;
  return {
    ...qParams,
    ...(Array.isArray(pinnedIds) && { pinnedIds: pinnedIds.filter(stays) }),
    ...(supernodes !== undefined && { supernodes: groups }),
    ...(!stays(clickedId) && { clickedId: "" }),
  };
}

/** A graph whose nodes have other fields: `change` gives those that differ. */
export function withNodeFields(
  graph: AttributionGraph,
  change: (node: number) => Fields,
): AttributionGraph {
  const nodes = graph.nodes.map((node, i) => ({
    ...node,
    fields: { ...node.fields, ...change(i) },
  }));
  return { ...graph, nodes };
}
