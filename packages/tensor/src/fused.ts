import type { Ids, Ops } from "./ops.ts";
import { type Axis, axesOf, type Shaped } from "./shape.ts";

/** Rows along an axis, one for each pair. */
export interface PairSide {
  readonly axis: Axis;
  readonly ids: Ids;
}

/** Pairs of a row on the left and one on the right: as many on both sides, along one axis. */
export interface Pairs {
  readonly left: PairSide;
  readonly right: PairSide;
}

/** The factors of one step of Adam, corrections and clipping in them. */
export interface AdamFactors {
  /** `first = first · keepFirst + g · addFirst` */
  readonly keepFirst: number;
  readonly addFirst: number;
  /** `second = second · keepSecond + g² · addSecond` */
  readonly keepSecond: number;
  readonly addSecond: number;
  /** `move = first · rate / (√second + eps)` */
  readonly rate: number;
  readonly eps: number;
}

/**
 * What an interpreter may do in one pass where primitives take several, and hold what lies between. It is called through
 * `pairDots`, `pairSums` and `adamStep`, which are made of primitives where there is none: they are the definitions,
 * and the numbers are the same but for rounding.
 */
export interface Fusions<T extends Shaped> {
  /** See `pairDots`: of two matrices. */
  pairDots(left: T, right: T, over: readonly Axis[], pairs: Pairs): T;
  /** See `pairSums`: of a vector and a matrix. */
  pairSums(weights: T, right: T, pairs: Pairs, size: number): T;
  /** See `adamStep`: the same bits. Absent on a tape. */
  adam?(moments: AdamMoments<T>, gradient: T, factors: AdamFactors): AdamMove<T>;
}

/** The running means of a parameter's gradient and of its square. */
export interface AdamMoments<T> {
  readonly first: T;
  readonly second: T;
}

/** The moments after a step, and what is to be taken from the parameter. */
export interface AdamMove<T> extends AdamMoments<T> {
  readonly move: T;
}

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

function isMatrix({ shape }: Shaped): boolean {
  return axesOf(shape).length === 2;
}
