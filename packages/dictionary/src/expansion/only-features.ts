import type { Ids, Ops, Shaped } from "@resolvent/tensor";
import type { Activation, Dictionary } from "../dictionary.ts";

/**
 * A dictionary of some of its features: the others are never active. Of topk the `k` largest are then those of the
 * features that are left, which on inputs whose active features are among them are the same.
 *
 * @param chosen in rising order
 */
export function onlyFeatures<T extends Shaped>(
  ops: Ops<T>,
  dictionary: Dictionary<T>,
  chosen: readonly number[],
): Dictionary<T> {
  const ids: Ids = { shape: { feature: chosen.length }, data: Int32Array.from(chosen) };
  const some = (x: T): T => ops.take(x, "feature", ids);
  const { W_enc, b_enc, norms, scale, W_dec } = dictionary;
  return {
    ...dictionary,
    features: chosen.length,
    W_enc: some(W_enc),
    ...(b_enc && { b_enc: some(b_enc) }),
    ...(norms && { norms: some(norms) }),
    ...(scale && { scale: some(scale) }),
    W_dec: some(W_dec),
    activation: activationOf(dictionary.activation, some, chosen.length),
  };
}

function activationOf<T>(
  activation: Activation<T>,
  some: (x: T) => T,
  count: number,
): Activation<T> {
  switch (activation.kind) {
    case "jumprelu":
      return { ...activation, threshold: some(activation.threshold) };
    case "gated": {
      const { kind, b_gate, b_mag, r_mag } = activation;
      return { kind, b_gate: some(b_gate), b_mag: some(b_mag), r_mag: some(r_mag) };
    }
    case "topk":
      return { ...activation, k: Math.min(activation.k, count) };
    default:
      return activation;
  }
}
