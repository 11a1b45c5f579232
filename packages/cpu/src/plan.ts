import type { Axis, Shape } from "@resolvent/tensor";
import { matmulRoles } from "@resolvent/tensor/rules";
import { countOf, type Loop, merged, stepsAlong } from "./layout.ts";
import type { CpuTensor } from "./tensor.ts";

/** Up to so many rows the right operand is read where it lies instead of packed. */
export const FEW_ROWS = 8;

/** A product as loops. Steps: rows [a, c], columns [b, c], terms [a, b], batches [a, b, c]. */
export interface Plan {
  readonly a: CpuTensor;
  readonly b: CpuTensor;
  readonly rows: readonly Loop[];
  readonly columns: readonly Loop[];
  readonly terms: readonly Loop[];
  readonly batches: readonly Loop[];
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch: number;
}

/** The loops of a product, which is turned over where its transpose is computed faster. */
export function planOf(a: CpuTensor, b: CpuTensor, over: readonly Axis[], c: Shape): Plan {
  const { batch, left, right } = matmulRoles(a.shape, b.shape, over);
  // In the order of the result's memory, so that what is next to each other is written so.
  const rows = loops(left, a.shape, [a.shape, c], 1);
  const columns = loops(right, b.shape, [b.shape, c], 1);
  const batches = loops(batch, a.shape, [a.shape, b.shape, c], 2);
  const terms = loops(over, a.shape, [a.shape, b.shape], 1);
  const plan: Plan = {
    ...{ a, b, rows, columns, terms, batches },
    m: countOf(rows),
    n: countOf(columns),
    k: countOf(terms),
    batch: countOf(batches),
  };
  return prefersTransposed(plan) ? transposed(plan) : plan;
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

/** Cᵀ = BᵀAᵀ is the same product: better where the columns are few, or where rows of C lie together. */
function prefersTransposed({ m, n, rows, columns }: Plan): boolean {
  if (Math.min(m, n) <= FEW_ROWS && m !== n) return n < m;
  return adjacentRun(columns, 1) === 1 && adjacentRun(rows, 1) > 1;
}

function transposed(plan: Plan): Plan {
  return {
    ...plan,
    a: plan.b,
    b: plan.a,
    rows: plan.columns,
    columns: plan.rows,
    m: plan.n,
    n: plan.m,
    terms: plan.terms.map(({ size, steps: [x, y] }) => ({ size, steps: [y, x] as number[] })), // two steps in, two out
    batches: plan.batches.map(({ size, steps: [x, y, z] }) => ({
      size,
      steps: [y, x, z] as number[],
    })), // three
  };
}

/** How many numbers lie next to each other along the fastest loop, in tensor number `which`. */
export function adjacentRun(loops: readonly Loop[], which: number): number {
  const inner = loops.at(-1);
  return inner?.steps[which] === 1 ? inner.size : 1;
}
