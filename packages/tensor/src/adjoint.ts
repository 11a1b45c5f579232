import type { Ops } from "./ops.ts";
import type { Shaped } from "./shape.ts";
import type { Traced } from "./tape.ts";
import { tapeOf } from "./tape-ops.ts";

/** A value on the tape; `index` is −1 for constants, which take no gradient. */
export interface Recorded<T extends Shaped> extends Traced<T> {
  readonly primal: T;
}

/** Reverse-mode derivatives (VJP) over any interpreter: `Ops` that also write down how to go back. */
export interface AdjointOps<T extends Shaped> extends Ops<Recorded<T>> {
  /** A value to differentiate by. */
  variable(primal: T): Recorded<T>;
  /** A value that takes no gradient. */
  fixed(primal: T): Recorded<T>;
  /**
   * `cotangentᵀ · ∂output/∂x` for each `x` of `wrt`, zeros where the output does not depend on it: the axes
   * of `x`, in any memory order. May be called more than once, with other cotangents; and with several at once: axes
   * that the output has not are a batch of them, and of gradients, for the cost of what they do apart.
   * Throws `tensor/size-mismatch` where the cotangent lacks axes of the output, `tensor/repeated-axis` for an axis of a
   * batch that something on the tape has too, `tensor/other-tape` for values of another tape, as every operation does.
   */
  gradients(output: Recorded<T>, cotangent: T, wrt: readonly Recorded<T>[]): T[];
}

/**
 * Reverse-mode derivatives over `ops`. The tape holds every intermediate until it is dropped, so run it inside
 * one `scope` of an engine that owns memory.
 *
 * ```ts
 * const tape = adjoint(reference);
 * const x = tape.variable(point);
 * const [gradient] = tape.gradients(f(tape, x), cotangent, [x]);
 * ```
 */
export function adjoint<T extends Shaped>(ops: Ops<T>): AdjointOps<T> {
  const { variable, pull, checkCovector, ...tape } = tapeOf(ops, "adjoint");
  return {
    ...(tape as Omit<AdjointOps<T>, "variable" | "gradients">), // what is made of values has one
    variable: (primal) => variable(primal.shape, primal) as Recorded<T>, // it has its value
    gradients: (output, cotangent, wrt) => {
      checkCovector(output, cotangent, "gradients");
      return pull(output, cotangent, wrt);
    },
  };
}
