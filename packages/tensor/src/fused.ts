import type { Finish, PairSide, Pairs } from "./fusions.ts";
import type { Ops } from "./ops.ts";
import { type Axis, axesOf, type Shaped } from "./shape.ts";

/** The same pairs seen from the other side. */
export function swappedPairs({ left, right }: Pairs): Pairs {
  return { left: right, right: left };
}

/**
 * Products of rows with rows, of some pairs among all that a product of matrices has: `Σ_d left[i_e, d] · right[j_e, d]`
 * for each pair e, along the axis of the pairs.
 *
 * @param over what is summed over
 */
export function pairDots<T extends Shaped>(
  ops: Ops<T>,
  left: T,
  right: T,
  over: readonly Axis[],
  pairs: Pairs,
): T {
  if (ops.fused !== undefined && isMatrix(left) && isMatrix(right))
    return ops.fused.pairDots(left, right, over, pairs);
  const rows = (a: T, { axis, ids }: PairSide): T => ops.take(a, axis, ids);
  return ops.sum(ops.mul(rows(left, pairs.left), rows(right, pairs.right)), over);
}

/**
 * Weighted sums of rows, by their partners: `out[i] = Σ_{e: i_e = i} weight_e · right[j_e]`, with `size` rows along the
 * axis of the left side, which may be in any memory order: a product with a matrix that is zero but at the pairs.
 */
export function pairSums<T extends Shaped>(
  ops: Ops<T>,
  weights: T,
  right: T,
  pairs: Pairs,
  size: number,
): T {
  if (ops.fused !== undefined && axesOf(weights.shape).length === 1 && isMatrix(right))
    return ops.fused.pairSums(weights, right, pairs, size);
  const rows = ops.mul(ops.take(right, pairs.right.axis, pairs.right.ids), weights);
  return ops.put(rows, pairs.left.ids, pairs.left.axis, size);
}

/** A product, and what is done with its entries: `matmul`, `add`, `mul`, `gate`. */
export function finishedProduct<T extends Shaped>(
  ops: Ops<T>,
  [a, b]: readonly [T, T],
  over: readonly Axis[],
  last: readonly Axis[] | undefined,
  finish: Finish<T>,
): T {
  if (ops.fused?.product !== undefined) return ops.fused.product(a, b, over, last, finish);
  const { shift, factor, activation, onto } = finish;
  let result = ops.matmul(a, b, over, last);
  if (shift !== undefined) result = ops.add(result, shift);
  if (factor !== undefined) result = ops.mul(result, factor);
  if (activation !== undefined) result = ops.mul(result, ops.gate(result, activation));
  return onto === undefined ? result : ops.add(onto, result);
}

function isMatrix({ shape }: Shaped): boolean {
  return axesOf(shape).length === 2;
}
