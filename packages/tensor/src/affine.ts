import type { Ops } from "./ops.ts";
import { axesOf, type Shape, type Shaped } from "./shape.ts";
import { transposed } from "./transposed.ts";

/** A linear function of a value, and what is added to it: `⟨covector, x⟩ + constant`. */
export interface AffineReadout<T> {
  readonly covector: T;
  /** A scalar. */
  readonly constant: T;
}

/** A function of `x` over any interpreter; `fixed` brings what it has in itself over. */
export type AffineMap<T> = <V extends Shaped>(on: Ops<V>, fixed: (value: T) => V, x: V) => V;

/**
 * `⟨direction, f(x)⟩` of an affine `f`: its linear part transposed, and what it makes of zero.
 *
 * @param shape that of `x`, and of the covector
 * @throws InputError `tensor/not-linear` where `f` is not affine
 */
export function affineReadout<T extends Shaped>(
  ops: Ops<T>,
  shape: Shape,
  direction: T,
  f: AffineMap<T>,
): AffineReadout<T> {
  return ops.scope(() => {
    const back = transposed(ops);
    const x = back.variable(shape);
    const atZero = f(ops, (value) => value, ops.fill(shape, 0));
    return {
      covector: back.pull(f(back, back.fixed, x), direction, x),
      constant: ops.matmul(atZero, direction, axesOf(direction.shape)),
    };
  });
}
