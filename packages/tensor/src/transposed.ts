import type { Ops } from "./ops.ts";
import type { Shape, Shaped } from "./shape.ts";
import type { Traced } from "./tape.ts";
import { tapeOf } from "./tape-ops.ts";

/** Transposes of linear maps over any interpreter: `Ops` that run a map on shapes and write down how to go back. */
export interface TransposedOps<T extends Shaped> extends Ops<Traced<T>> {
  /** What the map is linear in: a shape, no numbers. */
  variable(shape: Shape): Traced<T>;
  /** A value that the map has in itself: a weight, a frozen gate. */
  fixed(value: T): Traced<T>;
  /**
   * `Aᵀ c` of the linear part `A` of what led from `x` to `output`, constants that were added apart; zeros where the
   * output does not depend on `x`. May be called more than once, with other covectors.
   *
   * @param covector `c`: the axes of the output, and any further ones, which are a batch
   * @returns the axes of `x` and of the batch, in any memory order
   * @throws InputError `tensor/size-mismatch` for a covector without the output's axes, `tensor/repeated-axis` for an
   * axis of a batch that something in the map has too, `tensor/other-tape` for values of another tape, as every
   * operation does
   */
  pull(output: Traced<T>, covector: T, x: Traced<T>): T;
}

/**
 * Transposes of linear maps over `ops`: running a map on a variable, which has a shape only, gives its transpose,
 * and costs no more than what in it does not depend on the variable. An operation that is not linear in what depends
 * on a variable is the input error `tensor/not-linear`, which names what to freeze. The tape holds what it computes
 * until it is dropped, so run it inside one `scope` of an engine that owns memory.
 *
 * ```ts
 * const back = transposed(reference);
 * const x = back.variable({ pos: 3, d_model: 4 });
 * const pulled = back.pull(back.matmul(x, back.fixed(W), ["d_model"]), covector, x);
 * ```
 */
export function transposed<T extends Shaped>(ops: Ops<T>): TransposedOps<T> {
  const { variable, pull, checkCovector, ...tape } = tapeOf(ops, "transposed");
  return {
    ...tape,
    variable: (shape) => variable(shape),
    pull: (output, covector, x) => {
      checkCovector(output, covector, "pull");
      return pull(output, covector, [x])[0] as T; // one for each variable
    },
  };
}
