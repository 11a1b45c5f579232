import type { GateKind } from "./gate-kind.ts";
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
  /** See `finishedProduct`: the same bits. Absent on a tape. */
  product?(
    a: T,
    b: T,
    over: readonly Axis[],
    last: readonly Axis[] | undefined,
    finish: Finish<T>,
  ): T;
  /** A norm and its denominator, as `center`, `rms` and products give them: the same bits. Undefined where it is none of its. */
  norm?(a: T, axis: Axis, by: NormBy<T>): Normed<T> | undefined;
  /** The same by factors `γ / σ`, which have the axis. */
  normBy?(a: T, axis: Axis, by: FactorBy<T>): T | undefined;
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

/** What is done with each entry of a product, in this order. */
export interface Finish<T> {
  /** Added: a bias. */
  readonly shift?: T;
  /** Multiplied with: a gate that is held. */
  readonly factor?: T;
  /** The gate of the entry itself, with which it is multiplied. */
  readonly activation?: GateKind;
  /** What the result is added to. */
  readonly onto?: T;
}

/** A norm that makes its own denominator `√(mean(a²) + eps)`. */
export interface NormBy<T> {
  /** Whether the mean is taken away first. */
  readonly centred: boolean;
  readonly eps: number;
  /** Along the axis alone, like the bias. */
  readonly scale?: T | undefined;
  readonly bias?: T | undefined;
}

export interface Normed<T> {
  readonly normed: T;
  readonly sigma: T;
}

/** A norm by factors that are given. */
export interface FactorBy<T> {
  readonly centred: boolean;
  readonly factor: T;
  readonly bias?: T | undefined;
}
