import type { Shaped } from "@resolvent/tensor";
import type { GraphNode } from "../graph/node.ts";
import type { Entering } from "./graph-sources.ts";

/** Where the number of a node stands in the row of a target. */
export interface Column {
  /** What enters, among the sources. */
  readonly group: number;
  readonly part: "tiles" | "single";
  /** Its place in a row of that part. */
  readonly place: number;
  /** Places that a row of that part has. */
  readonly size: number;
}

/**
 * The columns of nodes; undefined of one that acts on nothing. Features of a layer come in the order in which the
 * sources have them.
 */
export function columnsOf<T extends Shaped>(
  sources: readonly Entering<T>[],
  nodes: readonly Pick<GraphNode, "kind" | "layer" | "position">[],
): (Column | undefined)[] {
  const groups = new Map<number | null, number>([[null, 0]]);
  sources.forEach(({ layer }, group) => {
    if (layer !== undefined) groups.set(layer, group);
  });
  const places = sources.map(({ tiles }) => {
    const known: number[] = [];
    tiles?.of.forEach((feature, place) => {
      if (feature >= 0) known[feature] = place;
    });
    return known;
  });
  const seen = new Map<number, number>();
  return nodes.map(({ kind, layer, position }): Column | undefined => {
    const group = groups.get(kind === "token" ? null : layer);
    const source = group === undefined ? undefined : sources[group];
    if (group === undefined || source === undefined) return undefined;
    if (kind === "feature") {
      const index = seen.get(group) ?? 0;
      seen.set(group, index + 1);
      const place = places[group]?.[index];
      const size = source.tiles?.of.length ?? 0;
      return place === undefined ? undefined : { group, part: "tiles", place, size };
    }
    if (kind !== "error" && kind !== "token") return undefined;
    const { pos: size = 0 } = source.single?.shape ?? {};
    return { group, part: "single", place: position, size };
  });
}

/** A node for each position. */
export function positionsOf(
  kind: "error" | "token",
  layer: number | null,
  positions: number,
): {
  readonly kind: "error" | "token";
  readonly layer: number | null;
  readonly position: number;
}[] {
  return Array.from({ length: positions }, (_, position) => ({ kind, layer, position }));
}
