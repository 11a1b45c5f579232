import type { GraphNode } from "./node.ts";

/** Finds the nodes that links mean by their ids. */
export interface Ends {
  /** Ids that several nodes have, with their number. */
  readonly repeated: ReadonlyMap<string, number>;
  /** The indices of a link's nodes, or why it has none. */
  of(
    source: string,
    target: string,
  ): readonly [number, number] | "missing-node" | "duplicate-node-id";
}

/**
 * The nodes by their ids. circuit-tracer calls the error of layer l and feature l of layer 0 alike (`0_1_2`): of several
 * nodes with an id the one counts that can be the end of this link, where only one can.
 */
export function endsOf(nodes: readonly GraphNode[]): Ends {
  const places = new Map<string, number[]>();
  nodes.forEach(({ id }, i) => {
    const known = places.get(id);
    if (known === undefined) places.set(id, [i]);
    else known.push(i);
  });
  const repeated = new Map(
    [...places].flatMap(([id, { length }]) => (length > 1 ? [[id, length] as const] : [])),
  );
  return {
    repeated,
    of(source, target) {
      const [from, to] = [places.get(source), places.get(target)];
      if (from === undefined || to === undefined) return "missing-node";
      const [s, t] = [from[0] ?? 0, to[0] ?? 0]; // no list is empty
      if (from.length === 1 && to.length === 1) return [s, t];
      const possible = from.flatMap((a) =>
        to.flatMap((b) => (canFeed(nodes[a], nodes[b]) ? [[a, b] as const] : [])),
      );
      return possible.length === 1 ? (possible[0] ?? [s, t]) : "duplicate-node-id";
    },
  };
}

/** Whether a node can act on another directly: errors and tokens read nothing, and MLPs are read by later layers only. */
function canFeed(source: GraphNode | undefined, target: GraphNode | undefined): boolean {
  if (source === undefined || target === undefined || source.kind === "logit") return false;
  if (target.kind !== "feature" && target.kind !== "logit" && target.kind !== "other") return false;
  if (source.layer === null || target.layer === null) return true;
  if (source.attention || target.attention) return source.layer <= target.layer;
  return source.layer < target.layer;
}
