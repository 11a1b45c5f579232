import { tokenNotation } from "@resolvent/analysis";
import type { PathEffect } from "./largest.ts";
import type { SourceId } from "./sources.ts";

/** How a path reads: `embed " Mary"@3 → L2.H1 → L3.mlp → logit " Mary" − " John"`. */
export function pathText(
  path: Pick<PathEffect, "source" | "nodes">,
  readout: string,
  tokens: readonly string[] = [],
): string {
  return [sourceText(path.source, tokens), ...path.nodes, readout].join(" → ");
}

/** How a route of a path reads: `embed " Mary"@3 → L2.H1@12 → L3.mlp@12 → logit " Mary" − " John"`. */
export function routeText(
  { source, nodes }: Pick<PathEffect, "source" | "nodes">,
  positions: readonly number[],
  readout: string,
  tokens: readonly string[] = [],
): string {
  const [position = null, ...writes] = positions;
  const start = { name: source.name, position };
  const places = nodes.map((node, i) => `${node}@${writes[i] ?? "?"}`);
  return pathText({ source: start, nodes: places }, readout, tokens);
}

/** How a source reads: `embed`, `embed " Mary"@3`, `bias of L0.mlp`. */
export function sourceText({ name, position }: SourceId, tokens: readonly string[] = []): string {
  const bias = name.startsWith("bias:");
  const what = bias ? `bias of ${name.slice("bias:".length)}` : name;
  if (position === null) return what;
  const token = tokens[position];
  return token === undefined || bias
    ? `${what}@${position}`
    : `${what} ${tokenNotation(token)}@${position}`;
}
