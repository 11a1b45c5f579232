import type { Axis, Shape } from "../shape.ts";
import { matmulRoles } from "./arithmetic.ts";
import { adjacentRun, countOf, type Loop, merged, stepsAlong } from "./loops.ts";

/** A product as loops. Steps: rows [a, c], columns [b, c], terms [a, b], batches [a, b, c]. */
export interface ProductLoops {
  readonly rows: readonly Loop[];
  readonly columns: readonly Loop[];
  readonly terms: readonly Loop[];
  readonly batches: readonly Loop[];
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
}

/** The loops of `matmul`, in the order of the result's memory, so that what is next to each other is written so. */
export function productLoops(a: Shape, b: Shape, over: readonly Axis[], c: Shape): ProductLoops {
  const { batch, left, right } = matmulRoles(a, b, over);
  const rows = loops(left, a, [a, c], 1);
  const columns = loops(right, b, [b, c], 1);
  const batches = loops(batch, a, [a, b, c], 2);
  const terms = loops(over, a, [a, b], 1);
  return {
    ...{ rows, columns, terms, batches },
    m: countOf(rows),
    n: countOf(columns),
    k: countOf(terms),
    batch: countOf(batches),
  };
}

/** Loops over some axes, ordered by their step in the tensor number `order`. */
function loops(
  axes: readonly Axis[],
  sizes: Shape,
  tensors: readonly Shape[],
  order: number,
): Loop[] {
  const steps = tensors.map((tensor) => stepsAlong(tensor, axes));
  const all = axes.map((axis, i) => ({
    size: sizes[axis] as number, // a role's axis is in its tensor
    steps: steps.map((of) => of[i] as number), // one step an axis
  }));
  return merged(all.sort((x, y) => (y.steps[order] as number) - (x.steps[order] as number)));
}

/** The same product as Cᵀ = BᵀAᵀ: `a` and `b` change places. */
export function turnedOver({
  rows,
  columns,
  terms,
  batches,
  m,
  n,
  k,
  batch,
}: ProductLoops): ProductLoops {
  return {
    ...{ rows: columns, columns: rows, terms: terms.map(swapped), batches: batches.map(swapped) },
    ...{ m: n, n: m, k, batch },
  };
}

/** A loop with the steps of the first two tensors exchanged. */
export function swapped({ size, steps: [a, b, ...c] }: Loop): Loop {
  return { size, steps: [b, a, ...c] as number[] }; // at least two
}

/**
 * Whether the transpose of a product is computed faster: where the columns are few, or where rows of C lie together.
 *
 * @param few up to so many rows have a way of their own
 */
export function isBetterTurned({ m, n, rows, columns }: ProductLoops, few: number): boolean {
  if (Math.min(m, n) <= few && m !== n) return n < m;
  return adjacentRun(columns, 1) === 1 && adjacentRun(rows, 1) > 1;
}
