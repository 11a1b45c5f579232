import { combination, dot } from "./numbers.ts";

/** Norms up to here are not divided by. */
const LEAST_NORM = 1e-8;

/** From this cosine on the way is straight. */
const STRAIGHT = 0.9995;

/** Inner products of two tensors: a·a, a·b, b·b. */
export interface Products {
  readonly aa: number;
  readonly ab: number;
  readonly bb: number;
}

/**
 * Spherical interpolation from the base, t = 0, to the other, t = 1 (Shoemake 1985), of the whole tensors as vectors:
 * `sin((1−t)θ)/sin θ · a + sin(tθ)/sin θ · b`, θ the angle between them. Straight where `|cos θ| > 0.9995`. A t outside
 * [0, 1] extrapolates.
 */
export function slerp(
  base: Float64Array,
  other: Float64Array,
  t: number,
): Float64Array<ArrayBuffer> {
  const products = { aa: dot(base, base), ab: dot(base, other), bb: dot(other, other) };
  const [ofBase, ofOther] = slerpFactors(products, t);
  return combination([
    { factor: ofBase, x: base },
    { factor: ofOther, x: other },
  ]);
}

/** What the base and the other are multiplied by, from their products: base·base, base·other, other·other. */
export function slerpFactors(products: Products, t: number): readonly [number, number] {
  if (isStraight(products)) return [1 - t, t];
  const cosine = cosineBy(products);
  const angle = Math.acos(cosine);
  const sine = Math.sin(angle);
  return [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
}

/** Whether slerp between tensors of these products is linear. */
export function isStraight(products: Products): boolean {
  return Math.abs(cosineBy(products)) > STRAIGHT;
}

function cosineBy({ aa, ab, bb }: Products): number {
  const [a, b] = [Math.sqrt(aa), Math.sqrt(bb)];
  return ab / ((a > LEAST_NORM ? a : 1) * (b > LEAST_NORM ? b : 1));
}
