import type { Axis, Ids, Shaped } from "./shape.ts";

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
