import type { Ops, Shaped } from "@resolvent/tensor";
import type { TrainedWeights } from "./weights.ts";

/**
 * What the encoder makes of no input at all, `feature`: its bias, less what `b_dec` would give where it is taken from the
 * input. Taking it here costs one row, where subtracting it from all rows costs its gradient a product over all of them.
 */
export function offset<T extends Shaped>(
  ops: Ops<T>,
  { W_enc, b_dec }: Pick<TrainedWeights<T>, "W_enc" | "b_dec">,
  bias: T | undefined,
  subtractsBias: boolean,
): T | undefined {
  if (!subtractsBias) return bias;
  const taken = ops.matmul(W_enc, ops.rename(b_dec, { d_out: "d_in" }), ["d_in"]);
  return bias === undefined ? ops.scale(taken, -1) : ops.sub(bias, taken);
}

/** `(x − [b_dec]) @ W_enc + bias`, `row, feature`. */
export function affineEncoded<T extends Shaped>(
  ops: Ops<T>,
  weights: Pick<TrainedWeights<T>, "W_enc" | "b_dec">,
  bias: T | undefined,
  subtractsBias: boolean,
  input: T,
): T {
  return encodedFrom(ops, weights, offset(ops, weights, bias, subtractsBias), input);
}

/** The same from `offset`, which is the same for all rows. */
export function encodedFrom<T extends Shaped>(
  ops: Ops<T>,
  { W_enc }: Pick<TrainedWeights<T>, "W_enc">,
  constant: T | undefined,
  input: T,
): T {
  const product = ops.matmul(input, W_enc, ["d_in"], ["row", "feature"]);
  return constant === undefined ? product : ops.add(product, constant);
}
