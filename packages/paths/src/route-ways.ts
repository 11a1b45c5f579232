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

/** Sources of which each position of each name starts routes. */
export interface RouteStarts {
  /** How many stages of the model lie before the point where they enter. */
  readonly enters: number;
  readonly degree: 0 | 1;
  readonly names: readonly string[];
}

/**
 * How many routes there are in all, by degree: the ways of each source at each position, through nodes, to what reads.
 * Whether paths are told apart by the position of their source makes no difference to them. By the number of nodes on
 * the way, from each position before each stage, last stage first: where attention moves from a position, to all after
 * it in its window, that is a sum over these.
 *
 * @param stages the nodes of each stage before the readout
 * @param reads whether the readout looks at a position
 */
export function countRoutes<T>(
  stages: readonly (readonly Pick<Step<T>, "weights">[])[],
  sources: readonly RouteStarts[],
  {
    positions,
    reads,
    highest,
  }: {
    readonly positions: number;
    readonly reads: (pos: number) => boolean;
    readonly highest: number;
  },
): bigint[] {
  const places = Array.from({ length: positions }, (_, pos) => pos);
  // `ways[nodes][pos]`: from a position before a stage to what reads.
  let ways: bigint[][] = [places.map((pos) => (reads(pos) ? 1n : 0n))];
  const before = [ways];
  for (const steps of stages.toReversed()) {
    const moved = ways.map((own) => waysThrough(steps, own));
    const none = places.map(() => 0n);
    ways = Array.from({ length: ways.length + 1 }, (_, k) => {
      const [stays = none, goes = none] = [ways[k], moved[k - 1]];
      return places.map((pos) => (stays[pos] ?? 0n) + (goes[pos] ?? 0n));
    });
    before.unshift(ways);
  }
  const counts = new Array<bigint>(highest + 1).fill(0n);
  for (const { enters, degree, names } of sources) {
    for (const [k, own] of (before[enters] ?? []).entries()) {
      const many = own.reduce((sum, one) => sum + one, 0n);
      if (many > 0n) counts[k + degree] = (counts[k + degree] ?? 0n) + BigInt(names.length) * many;
    }
  }
  return counts;
}

/** The ways from each position through any of some nodes, and on from where they write. */
function waysThrough<T>(
  steps: readonly Pick<Step<T>, "weights">[],
  after: readonly bigint[],
): bigint[] {
  // `sums[pos]` is that of all positions before.
  const sums = [0n];
  for (const own of after) sums.push((sums.at(-1) ?? 0n) + own);
  // Nodes of one window have the same ways: of neurons there are thousands.
  const windows = new Map<number, bigint>();
  for (const { weights } of steps) {
    const window = weights.kind === "attn" ? (weights.window ?? after.length) : 1;
    windows.set(window, (windows.get(window) ?? 0n) + 1n);
  }
  return after.map((_, pos) =>
    [...windows].reduce((sum, [window, many]) => {
      const end = Math.min(pos + window, after.length);
      return sum + many * ((sums[end] ?? 0n) - (sums[pos] ?? 0n));
    }, 0n),
  );
}
