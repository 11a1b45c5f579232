/** How rates change over the steps of a training. */
export interface Schedule {
  readonly steps: number;
  /** The highest learning rate. */
  readonly rate: number;
  /** Steps over which the learning rate rises from 0. */
  readonly warmup: number;
  /** Steps at the end over which it falls to 0. */
  readonly decay: number;
  /** Steps over which the coefficients of sparsity rise from 0. */
  readonly sparsityWarmup: number;
}

/** The learning rate of a step, counted from 1. */
export function rateAt(step: number, { steps, rate, warmup, decay }: Schedule): number {
  const up = warmup > 0 ? Math.min(1, step / warmup) : 1;
  const down = decay > 0 ? Math.min(1, (steps - step + 1) / decay) : 1;
  return rate * Math.min(up, down);
}

/** What coefficients of sparsity are multiplied with. */
export function sparsityAt(step: number, { sparsityWarmup }: Schedule): number {
  return sparsityWarmup > 0 ? Math.min(1, step / sparsityWarmup) : 1;
}
