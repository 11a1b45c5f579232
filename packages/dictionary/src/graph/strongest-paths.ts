import { InputError } from "@resolvent/tensor";
import { orderOf } from "./cycle.ts";
import type { AttributionGraph } from "./graph.ts";
import { pop, push } from "./heap.ts";
import { seriesSum } from "./influence.ts";
import { MAX_PATHS } from "./limits.ts";
import { transposedMatrix } from "./matrix.ts";
import { countsOf, type PathCounts } from "./path-counts.ts";
import { type PathFactors, type PathOptions, pathFactors, startsOf } from "./path-measure.ts";

/** A way along edges to a logit. */
export interface GraphPath {
  /** Indices of its nodes, the first first. */
  readonly nodes: readonly number[];
  /** The product of its factors and of the weight of its end. */
  readonly value: number;
}

/** The largest of all paths, and what the others come to. */
export interface StrongestPaths {
  /** The largest by size, the largest first: none that is not shown is larger. */
  readonly shown: readonly GraphPath[];
  readonly count: PathCounts;
  /** The sum over all paths. */
  readonly total: number;
  /** `total − Σ shown`: exactly what all others are together. */
  readonly notShown: number;
}

export interface StrongestPathsOptions extends PathOptions {
  /** How many are shown; default 10. */
  readonly most?: number;
}

/**
 * The paths with the largest products, the number of all paths and their sum. What can still follow a node is known
 * from a sweep, so that a search never goes where no shown path goes: the list is exact, and takes time of the order
 * of its length.
 *
 * @throws InputError `dictionary/cycle`, `dictionary/no-node`, `dictionary/too-many`, and as `pathFactors`
 */
export function strongestPaths(
  graph: AttributionGraph,
  { most = 10, from, ...options }: StrongestPathsOptions = {},
): StrongestPaths {
  if (!(Number.isInteger(most) && most >= 0 && most <= MAX_PATHS)) {
    throw new InputError({
      code: "dictionary/too-many",
      message: `A list of paths has 0 to ${MAX_PATHS}, got ${most}.`,
      remedy: "Ask for fewer: what is not shown is summed.",
      details: { limit: MAX_PATHS, got: most },
    });
  }
  const order = orderOf(graph);
  const factors = pathFactors(graph, options);
  const starts = startsOf(factors.matrix, from);
  const sums = seriesSum(factors.matrix, factors.weights, order);
  const total = starts.reduce((sum, s) => sum + (sums[s] ?? 0), 0);
  const shown = largest(factors, starts, order, most);
  return {
    shown,
    count: countsOf(factors, starts),
    total,
    notShown: total - shown.reduce((sum, { value }) => sum + value, 0),
  };
}

/** What a path can do at a node: go on to a target, or end. */
interface Choice {
  /** −1 where it ends. */
  readonly to: number;
  readonly factor: number;
  /** The size of the largest product from here on. */
  readonly size: number;
}

/** The beginning of a path, and the choice that it makes next. */
interface Beginning {
  /** The size of the largest path that goes on so. */
  readonly size: number;
  readonly product: number;
  readonly trail: Trail;
  readonly choice: number;
}

interface Trail {
  readonly node: number;
  readonly before: Trail | undefined;
}

function largest(
  { matrix, weights }: PathFactors,
  starts: readonly number[],
  order: Int32Array,
  most: number,
): GraphPath[] {
  const out = transposedMatrix(matrix);
  const ahead = new Float64Array(matrix.size);
  const choices = (node: number): Choice[] => {
    const found: Choice[] = [];
    const weight = weights[node] ?? 0;
    if (weight !== 0) found.push({ to: -1, factor: weight, size: Math.abs(weight) });
    for (let e = out.starts[node] ?? 0; e < (out.starts[node + 1] ?? 0); e++) {
      const [to, factor] = [out.columns[e] ?? 0, out.values[e] ?? 0];
      const size = Math.abs(factor) * (ahead[to] ?? 0);
      if (size > 0) found.push({ to, factor, size });
    }
    return found;
  };
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i] ?? 0;
    let size = Math.abs(weights[node] ?? 0);
    for (let e = out.starts[node] ?? 0; e < (out.starts[node + 1] ?? 0); e++) {
      size = Math.max(size, Math.abs(out.values[e] ?? 0) * (ahead[out.columns[e] ?? 0] ?? 0));
    }
    ahead[node] = size;
  }
  const known = new Map<number, readonly Choice[]>();
  const ranked = (node: number): readonly Choice[] => {
    const own = known.get(node) ?? choices(node).sort((a, b) => b.size - a.size);
    known.set(node, own);
    return own;
  };
  const heap: Beginning[] = [];
  const offer = (product: number, trail: Trail, choice: number): void => {
    const next = ranked(trail.node)[choice];
    if (next === undefined) return;
    push(heap, { size: Math.abs(product) * next.size, product, trail, choice });
  };
  for (const node of starts) offer(1, { node, before: undefined }, 0);
  const shown: GraphPath[] = [];
  while (shown.length < most) {
    const first = pop(heap);
    if (first === undefined) break;
    const { product, trail, choice } = first;
    offer(product, trail, choice + 1);
    const { to, factor } = ranked(trail.node)[choice] ?? { to: -1, factor: 0 }; // it was offered
    if (to >= 0) offer(product * factor, { node: to, before: trail }, 0);
    else if (trail.before !== undefined)
      shown.push({ nodes: nodesOf(trail), value: product * factor });
  }
  return shown;
}

function nodesOf(trail: Trail): number[] {
  const nodes: number[] = [];
  for (let at: Trail | undefined = trail; at !== undefined; at = at.before) nodes.push(at.node);
  return nodes.reverse();
}
