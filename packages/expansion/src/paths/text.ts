import type { PathEffect } from "./best.ts";
import type { SourceId } from "./source.ts";

/** How a path reads: `embed " Mary"@3 → head 2.1 → mlp 3 → logit " Mary" − " John"`. */
export function pathText(
  path: Pick<PathEffect, "source" | "nodes">,
  readout: string,
  tokens: readonly string[] = [],
): string {
  return [sourceText(path.source, tokens), ...path.nodes.map(nodeText), readout].join(" → ");
}

/** How a source reads: `embed`, `embed " Mary"@3`, `bias of mlp 0`. */
export function sourceText({ name, position }: SourceId, tokens: readonly string[] = []): string {
  const bias = name.startsWith("bias:");
  const what = bias ? `bias of ${nodeText(name.slice("bias:".length))}` : name;
  if (position === null) return what;
  const token = tokens[position];
  return token === undefined || bias
    ? `${what}@${position}`
    : `${what} ${JSON.stringify(token)}@${position}`;
}

/** How a node reads: `head 2.1`, `attn 2`, `mlp 2`. */
export function nodeText(name: string): string {
  const head = /^L(\d+)\.H(\d+)$/.exec(name);
  if (head !== null) return `head ${head[1]}.${head[2]}`;
  const block = /^L(\d+)\.(attn|mlp)(?:\.(.+))?$/.exec(name);
  if (block === null) return name;
  return `${block[2]} ${block[1]}${block[3] === undefined ? "" : ` ${block[3]}`}`;
}
