import { isNothing } from "./ratio.ts";

/** How approximate effects compare with exact ones, over all edges, nodes or paths. */
export interface Agreement {
  /** Of how many. */
  readonly count: number;
  /** Pearson's correlation; null where one side does not vary. */
  readonly correlation: number | null;
  /** Spearman's: the correlation of ranks, equal ones sharing their mean rank. */
  readonly rankCorrelation: number | null;
  /** Largest `|approximate − exact|`, in logits. */
  readonly maxError: number;
  /** Mean `|approximate − exact|`, in logits. */
  readonly meanError: number;
  /** Mean `|exact|`, to compare errors with. */
  readonly meanExact: number;
  /** Share with the same sign; effects below a millionth of the largest exact one have none, like zero. */
  readonly sameSign: number;
}

/** Measures approximations against exact values, entry by entry; both of one length, at least 1. */
export function agreement(approximate: readonly number[], exact: readonly number[]): Agreement {
  const count = exact.length;
  const errors = exact.map((e, i) => Math.abs((approximate[i] ?? Number.NaN) - e));
  const mean = (values: readonly number[]): number => sum(values) / count;
  const least = 1e-6 * exact.reduce((most, e) => Math.max(most, Math.abs(e)), 0);
  const sign = (x = Number.NaN): number => (Math.abs(x) <= least ? 0 : Math.sign(x));
  const same = exact.filter((e, i) => sign(e) === sign(approximate[i]));
  return {
    count,
    correlation: correlation(approximate, exact),
    rankCorrelation: correlation(ranks(approximate), ranks(exact)),
    maxError: errors.reduce((most, error) => Math.max(most, error), 0),
    meanError: mean(errors),
    meanExact: mean(exact.map(Math.abs)),
    sameSign: same.length / count,
  };
}

function correlation(a: readonly number[], b: readonly number[]): number | null {
  const centred = (values: readonly number[]): number[] => {
    const mean = sum(values) / values.length;
    return values.map((value) => value - mean);
  };
  const [x, y] = [centred(a), centred(b)];
  const dot = (u: readonly number[], v: readonly number[]): number =>
    sum(u.map((value, i) => value * (v[i] ?? Number.NaN)));
  const norm = (u: readonly number[]): number => Math.sqrt(dot(u, u));
  const still = isNothing(norm(x), norm(a), "f64") || isNothing(norm(y), norm(b), "f64");
  return still ? null : dot(x, y) / norm(x) / norm(y);
}

/** Places in ascending order, from 1; equal values share the mean of theirs. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((i, j) => (values[i] ?? 0) - (values[j] ?? 0));
  const found = new Array<number>(values.length).fill(0);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end] ?? 0] === values[order[start] ?? 0]) end++;
    for (let place = start; place < end; place++) found[order[place] ?? 0] = (start + 1 + end) / 2;
    start = end;
  }
  return found;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
