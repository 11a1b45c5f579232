import type { AdamFactors, AdamMoments, AdamMove, Ops, Shaped } from "@resolvent/tensor";

export interface AdamOptions {
  /** Counted from 1. */
  readonly step: number;
  /** The learning rate. */
  readonly rate: number;
  /** Decays of the moments; default 0.9 and 0.999. */
  readonly beta1?: number;
  readonly beta2?: number;
  /** Added to the root of the second moment; default 1e-8. */
  readonly eps?: number;
  /** The gradient is scaled by this first, as clipping asks; default 1. */
  readonly shrink?: number;
}

/**
 * One step of Adam (Kingma & Ba 2015, algorithm 1) for one parameter: `move = rate · m̂ / (√v̂ + ε)`, which is to be
 * taken from it, and the moments after it. Before the first step both moments are zero.
 */
export function adamStep<T extends Shaped>(
  ops: Ops<T>,
  moments: AdamMoments<T>,
  gradient: T,
  options: AdamOptions,
): AdamMove<T> {
  const { step, rate, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, shrink = 1 } = options;
  // Both sides of the quotient times √(1 − β₂ᵗ), which saves a pass.
  const correction = Math.sqrt(1 - beta2 ** step);
  const factors: AdamFactors = {
    keepFirst: beta1,
    addFirst: shrink * (1 - beta1),
    keepSecond: beta2,
    addSecond: shrink ** 2 * (1 - beta2),
    rate: (rate * correction) / (1 - beta1 ** step),
    eps: eps * correction,
  };
  return ops.fused?.adam?.(moments, gradient, factors) ?? stepOf(ops, moments, gradient, factors);
}

/** The same by primitives. */
function stepOf<T extends Shaped>(
  ops: Ops<T>,
  moments: AdamMoments<T>,
  gradient: T,
  { keepFirst, addFirst, keepSecond, addSecond, rate, eps }: AdamFactors,
): AdamMove<T> {
  const first = ops.add(ops.scale(moments.first, keepFirst), ops.scale(gradient, addFirst));
  const square = ops.mul(gradient, gradient);
  const second = ops.add(ops.scale(moments.second, keepSecond), ops.scale(square, addSecond));
  const move = ops.div(ops.scale(first, rate), ops.add(ops.sqrt(second), ops.fill({}, eps)));
  return { first, second, move };
}
