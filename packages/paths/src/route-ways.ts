import type { Step } from "./step.ts";

/** Whether what is at one position can get to another through a node: causal mask and window; only attention moves. */
export function allowed<T>(
  { weights }: Pick<Step<T>, "weights">,
  from: number,
  to: number,
): boolean {
  if (weights.kind !== "attn") return from === to;
  const { window = Number.POSITIVE_INFINITY } = weights;
  return from <= to && to - from < window;
}

/**
 * How many ways lead from a source to each position behind each node of a path: `ways[i][pos]` behind `i` nodes.
 * Those at the positions of a readout are the routes of the path.
 *
 * @param source the position of the source; null for all
 */
export function routeWays<T>(
  nodes: readonly Pick<Step<T>, "weights">[],
  positions: number,
  source: number | null,
): bigint[][] {
  const start = Array.from({ length: positions }, (_, pos): bigint =>
    source === null || source === pos ? 1n : 0n,
  );
  const ways = [start];
  for (const node of nodes) {
    const before = ways.at(-1) ?? start;
    const after = start.map((_, to) =>
      before.reduce((sum, own, from) => (allowed(node, from, to) ? sum + own : sum), 0n),
    );
    ways.push(after);
  }
  return ways;
}
