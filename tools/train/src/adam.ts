import { axesOf, InternalError, type Ops, type Shaped } from "@resolvent/tensor";
import type { Parameters } from "./parameters.ts";

/** AdamW (Loshchilov and Hutter 2019): decay is taken from the weights, not through the gradient. */
export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  /** Added to the root of the second moment. */
  readonly eps: number;
  /** Decay of matrices, times the learning rate; norms and biases have none. */
  readonly decay: number;
  /** Gradients are scaled down to this norm, over all parameters together. */
  readonly clip: number;
}

/** What one step carries to the next. */
export interface AdamState<T> {
  readonly parameters: Parameters<T>;
  readonly first: Parameters<T>;
  readonly second: Parameters<T>;
}

/** State before the first step. */
export function adamStart<T extends Shaped>(ops: Ops<T>, parameters: Parameters<T>): AdamState<T> {
  const zeros = (): Parameters<T> =>
    new Map([...parameters].map(([name, p]): [string, T] => [name, ops.fill(p.shape, 0)]));
  return { parameters, first: zeros(), second: zeros() };
}

/** The sum of squares of all entries of all gradients: a scalar. */
export function squaredNorm<T extends Shaped>(ops: Ops<T>, gradients: Parameters<T>): T {
  let total = ops.fill({}, 0);
  for (const g of gradients.values())
    total = ops.add(total, ops.sum(ops.mul(g, g), axesOf(g.shape)));
  return total;
}

/**
 * One step.
 *
 * @param step counts from 1
 * @param rate the learning rate
 * @param norm of the gradients, for clipping
 */
export function adamStep<T extends Shaped>(
  ops: Ops<T>,
  state: AdamState<T>,
  gradients: Parameters<T>,
  { step, rate, norm }: { readonly step: number; readonly rate: number; readonly norm: number },
  options: AdamOptions,
): AdamState<T> {
  const { beta1, beta2, eps, decay, clip } = options;
  const shrink = Math.min(1, clip / norm);
  const parameters = new Map<string, T>();
  const first = new Map<string, T>();
  const second = new Map<string, T>();
  for (const [name, p] of state.parameters) {
    const gradient = gradients.get(name);
    const m = state.first.get(name);
    const v = state.second.get(name);
    if (gradient === undefined || m === undefined || v === undefined) {
      throw new InternalError({
        code: "train/missing-gradient",
        message: `Parameter ${name} has no gradient or no moments.`,
        details: { name },
      });
    }
    const m1 = ops.add(ops.scale(m, beta1), ops.scale(gradient, shrink * (1 - beta1)));
    const square = ops.mul(gradient, gradient);
    const v1 = ops.add(ops.scale(v, beta2), ops.scale(square, shrink ** 2 * (1 - beta2)));
    // m̂ / (√v̂ + ε) with both sides times √(1 − β₂ᵗ), which saves a pass.
    const correction = Math.sqrt(1 - beta2 ** step);
    const move = ops.div(
      ops.scale(m1, (rate * correction) / (1 - beta1 ** step)),
      ops.add(ops.sqrt(v1), ops.fill({}, eps * correction)),
    );
    const matrix = axesOf(p.shape).length > 1;
    const kept = matrix ? ops.scale(p, 1 - rate * decay) : p;
    parameters.set(name, ops.sub(kept, move));
    first.set(name, m1);
    second.set(name, v1);
  }
  return { parameters, first, second };
}
