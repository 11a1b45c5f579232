import { nodeNames } from "./graph-facts.ts";
import { targetTotals } from "./graph-pruned.ts";
import type { GraphResult } from "./graph-result.ts";
import { graphOf } from "./graph-tables.ts";

/** A feature or an error at a position. */
export interface ActiveAt {
  /** Its name among the nodes: `L2.F88@4`. */
  readonly node: string;
  readonly position: number;
  /** Null of an error. */
  readonly activation: number | null;
  /** What it gives the target along all paths from it that are left; null where they have no effects. */
  readonly effect: number | null;
}

/** A feature along the prompt, or the error of a layer, which is a row like any other. */
export interface ActiveRow {
  /** `L2.F88`, `L2.error`. */
  readonly name: string;
  readonly kind: "feature" | "error";
  readonly layer: number | null;
  readonly label: string;
  /** By position. */
  readonly at: readonly ActiveAt[];
  /** The same of all positions together: no path passes two nodes of a layer. */
  readonly effect: number | null;
  /** Blocks that most of its largest direct edge to the target passes; null where it has none, or a file does not say it. */
  readonly degree: number | null;
}

/** The active features and errors of a graph, those with the largest effects first. */
export function activeRows(result: GraphResult): readonly ActiveRow[] {
  const graph = graphOf(result);
  const names = nodeNames(graph);
  const through = targetTotals(graph)?.through;
  const degrees = new Map<number, { size: number; degree: number | null }>();
  const { source, target, weight, fields } = graph.edges;
  for (let e = 0; e < source.length; e++) {
    if (graph.nodes[target[e] ?? -1]?.kind !== "logit") continue;
    const [from, size] = [source[e] ?? -1, Math.abs(weight[e] ?? 0)];
    if (size <= (degrees.get(from)?.size ?? 0)) continue;
    degrees.set(from, { size, degree: mostly(fields.get(e)?.by_degree) });
  }
  const rows = new Map<string, ActiveRow & { at: ActiveAt[]; size: number }>();
  graph.nodes.forEach(({ kind, layer, position, activation, label }, i) => {
    if (kind !== "feature" && kind !== "error") return;
    const node = names[i] ?? "";
    const name = node.replace(/@\d+(?: \(\d+\))?$/, "");
    const effect = through === undefined ? null : (through[i] ?? 0);
    const at = { node, position, activation, effect };
    const row = rows.get(name);
    const own = degrees.get(i);
    if (row === undefined) {
      rows.set(name, {
        ...{ name, kind, layer, label, at: [at], effect },
        ...{ degree: own?.degree ?? null, size: own?.size ?? 0 },
      });
      return;
    }
    rows.set(name, {
      ...row,
      ...(own !== undefined && own.size > row.size && own),
      ...{ label: row.label === "" ? label : row.label, at: [...row.at, at] },
      effect: effect === null || row.effect === null ? null : row.effect + effect,
    });
  });
  return [...rows.values()]
    .sort((a, b) => Math.abs(b.effect ?? 0) - Math.abs(a.effect ?? 0))
    .map(({ size, at, ...row }) => ({ ...row, at: at.sort((a, b) => a.position - b.position) }));
}

/** The degree of the largest part. */
function mostly(parts: unknown): number | null {
  if (!Array.isArray(parts) || parts.length === 0) return null;
  return parts.reduce(
    (best: number, part, k) => (Math.abs(Number(part)) > Math.abs(Number(parts[best])) ? k : best),
    0,
  );
}
