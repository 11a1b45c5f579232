import { axesOf, InternalError, type Ops, type Shaped } from "@resolvent/tensor";
import { adamStep } from "@resolvent/transformer";
import type { Parameters } from "./parameters.ts";

/** AdamW (Loshchilov and Hutter 2019): decay is taken from the weights, not through the gradient. */
export interface AdamWOptions {
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
export interface AdamWState<T> {
  readonly parameters: Parameters<T>;
  readonly first: Parameters<T>;
  readonly second: Parameters<T>;
}

/** State before the first step. */
export function adamWStart<T extends Shaped>(
  ops: Ops<T>,
  parameters: Parameters<T>,
): AdamWState<T> {
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
export function adamWStep<T extends Shaped>(
  ops: Ops<T>,
  state: AdamWState<T>,
  gradients: Parameters<T>,
  { step, rate, norm }: { readonly step: number; readonly rate: number; readonly norm: number },
  options: AdamWOptions,
): AdamWState<T> {
  const { beta1, beta2, eps, decay, clip } = options;
  const settings = { step, rate, beta1, beta2, eps, shrink: Math.min(1, clip / norm) };
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
    const moved = adamStep(ops, { first: m, second: v }, gradient, settings);
    const matrix = axesOf(p.shape).length > 1;
    const kept = matrix ? ops.scale(p, 1 - rate * decay) : p;
    parameters.set(name, ops.sub(kept, moved.move));
    first.set(name, moved.first);
    second.set(name, moved.second);
  }
  return { parameters, first, second };
}
