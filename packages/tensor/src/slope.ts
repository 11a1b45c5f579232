import type { GateKind, Ops } from "./ops.ts";
import type { Shaped } from "./shape.ts";

/** GELU's tanh form is `½(1 + tanh(factor · (z + cubic · z³)))`, times z. */
export const GELU_TANH: { readonly factor: number; readonly cubic: number } = {
  factor: Math.sqrt(2 / Math.PI),
  cubic: 0.044715,
};

/**
 * `g′(z)` of an activation's gate, from `z` and `g = g(z)`, in primitives; undefined where it is 0 everywhere.
 *
 * | kind | g′(z) |
 * |---|---|
 * | `relu` | 0 |
 * | `gelu` | exp(−z²/2)/√(2π) |
 * | `gelu_tanh` | 2 g (1 − g) √(2/π) (1 + 3·0.044715 z²) |
 * | `quick_gelu` | 1.702 g (1 − g) |
 * | `silu` | g (1 − g) |
 */
export function gateSlope<T extends Shaped>(
  ops: Ops<T>,
  kind: GateKind,
  z: T,
  g: T,
): T | undefined {
  const logistic = (): T => ops.mul(g, ops.sub(ops.fill({}, 1), g));
  switch (kind) {
    case "relu":
      return undefined;
    case "gelu":
      return ops.scale(ops.exp(ops.scale(ops.mul(z, z), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    case "gelu_tanh": {
      // The constant factor is in the polynomial, which saves a pass.
      const factor = 2 * GELU_TANH.factor;
      const square = ops.scale(ops.mul(z, z), factor * 3 * GELU_TANH.cubic);
      return ops.mul(logistic(), ops.add(square, ops.fill({}, factor)));
    }
    case "quick_gelu":
      return ops.scale(logistic(), 1.702);
    case "silu":
      return logistic();
  }
}
