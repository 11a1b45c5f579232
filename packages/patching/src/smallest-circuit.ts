import type { CircuitResult, CircuitSize, ScoredEdge } from "./circuit.ts";

/** An edge with the node that reads it, without the name of its input. */
export interface KeptEdge extends ScoredEdge {
  readonly node: string;
}

/** The smallest of the measured circuits that keeps so much of the target. */
export interface SmallestCircuit {
  readonly size: CircuitSize;
  /** Its edges that are on a way from the embedding to the target; all others reach nothing, or come from nothing. */
  readonly edges: readonly KeptEdge[];
}

/**
 * The smallest circuit of a result with at least this faithfulness, among the sizes that were measured; undefined
 * where none has it, or not all of its edges are listed.
 */
export function smallestCircuit(
  { sizes, edges }: Pick<CircuitResult, "sizes" | "edges">,
  faithfulness: number,
): SmallestCircuit | undefined {
  const size = sizes.find((one) => one.faithfulness !== null && one.faithfulness >= faithfulness);
  if (size === undefined || size.edges > edges.length) return undefined;
  return { size, edges: withoutDangling(edges.slice(0, size.edges)) };
}

/** The edges on a way from `embed` to `final`. */
export function withoutDangling(edges: readonly ScoredEdge[]): KeptEdge[] {
  const kept = edges.map((edge) => ({
    ...edge,
    node: edge.receiver.replace(/\.(?:query|key|value)$/, ""),
  }));
  const reached = (from: string, start: "source" | "node", end: "source" | "node"): Set<string> => {
    const next = new Map<string, KeptEdge[]>();
    for (const edge of kept) next.set(edge[start], [...(next.get(edge[start]) ?? []), edge]);
    const seen = new Set([from]);
    for (const name of seen) for (const edge of next.get(name) ?? []) seen.add(edge[end]);
    return seen;
  };
  const [down, up] = [reached("embed", "source", "node"), reached("final", "node", "source")];
  return kept.filter(({ source, node }) => down.has(source) && up.has(node));
}
