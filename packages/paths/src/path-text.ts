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
