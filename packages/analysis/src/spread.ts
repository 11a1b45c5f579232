/** A mean over prompts and its interval. */
export interface Spread {
  readonly mean: number;
  /** Ends of the 95 % interval of the mean by Student's t; null for a single value, which has none. */
  readonly low: number | null;
  readonly high: number | null;
  /** Of how many. */
  readonly count: number;
}

/** The mean of some values, at least one, and its 95 % interval `mean ± t s/√n` with `n − 1` degrees of freedom. */
export function spreadOf(values: readonly number[]): Spread {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return spreadFrom({ mean, squares, count });
}

/** A mean and half of its interval, each as `write` does: `12.3 % ± 1.4 %`. */
export function spreadText({ mean, high }: Spread, write: (value: number) => string): string {
  return high === null ? write(mean) : `${write(mean)} ± ${write(high - mean)}`;
}

/** Values that pass by, one after the other: `spreadOf` in the memory of three numbers. */
export interface RunningSpread {
  add(value: number): void;
  /** Of the values so far; null before the first. */
  spread(): Spread | null;
}

/** The mean by the same sum as `spreadOf`, the squares by Welford's update, which agree within rounding. */
export function runningSpread(): RunningSpread {
  let [count, sum, squares, near] = [0, 0, 0, 0];
  return {
    add: (value) => {
      count++;
      sum += value;
      const before = value - near;
      near += before / count;
      squares += before * (value - near);
    },
    spread: () => (count === 0 ? null : spreadFrom({ mean: sum / count, squares, count })),
  };
}

/** @param squares the sum of `(value − mean)²` */
function spreadFrom({
  mean,
  squares,
  count,
}: {
  readonly mean: number;
  readonly squares: number;
  readonly count: number;
}): Spread {
  if (count < 2) return { mean, low: null, high: null, count };
  const half = studentT(count - 1) * Math.sqrt(squares / (count - 1) / count);
  return { mean, low: mean - half, high: mean + half, count };
}

/** The 97.5 % quantile of the normal distribution, and of Student's t with 1 and 2 degrees of freedom. */
const [NORMAL, ONE, TWO] = [1.959963984540054, 12.706204736174694, 4.302652729749462];

/** Quantiles that have been asked for, by degrees of freedom. */
const QUANTILES = new Map<number, number>();

/**
 * The 97.5 % quantile of Student's t with so many degrees of freedom: Newton's method on its distribution, whose density
 * is integrated by Simpson's rule, from the quantile of the normal distribution.
 */
export function studentT(freedom: number): number {
  if (freedom === 1) return ONE;
  if (freedom === 2) return TWO;
  if (freedom > 1e6) return NORMAL;
  const known = QUANTILES.get(freedom);
  if (known !== undefined) return known;
  const shape = (x: number): number => (1 + x ** 2 / freedom) ** (-(freedom + 1) / 2);
  const scale =
    1 / integral((angle) => Math.cos(angle) ** (freedom - 1), Math.PI / 2) / 2 / Math.sqrt(freedom);
  let t = NORMAL;
  for (let step = 0; step < 20; step++) {
    const missing = 0.475 - scale * integral(shape, t);
    t += missing / (scale * shape(t));
  }
  QUANTILES.set(freedom, t);
  return t;
}

/** `∫ f` from 0 to `end`. */
function integral(f: (x: number) => number, end: number): number {
  const steps = 2000;
  const width = end / steps;
  let sum = f(0) + f(end);
  for (let i = 1; i < steps; i++) sum += (i % 2 === 0 ? 2 : 4) * f(i * width);
  return (sum * width) / 3;
}
