import { drawing, type Engine, type Shaped, using } from "@resolvent/tensor";
import { numbersOf } from "./reading.ts";

/** Sums over the groups of a sample, or over one draw of them. */
export type Sums = (name: string) => Float64Array;

/** Sequences beyond this share groups, in turn: what is drawn again stays bounded, whatever the corpus. */
const GROUPS = 128;

/** A tally as plain data. */
export type TallyState = Readonly<Record<string, Float64Array>>;

/**
 * Sums of numbers and vectors by group of sequences. Every measure is a function of such sums, so that an interval of
 * any of them comes from drawing groups again.
 */
export class Tally {
  readonly #sums: Map<string, Float64Array>;

  constructor(state: TallyState = {}) {
    this.#sums = new Map(Object.entries(state));
  }

  /** Adds a vector, or numbers, to a sequence's group. */
  add(sequence: number, name: string, values: ArrayLike<number>): void {
    const width = values.length;
    let sums = this.#sums.get(name);
    if (sums === undefined) {
      sums = new Float64Array(GROUPS * width);
      this.#sums.set(name, sums);
    }
    const start = (sequence % GROUPS) * width;
    for (let i = 0; i < width; i++) sums[start + i] = (sums[start + i] ?? 0) + (values[i] ?? 0);
  }

  get state(): TallyState {
    return Object.fromEntries(this.#sums);
  }

  /** Sums with a weight for each group: how often it was drawn. */
  weighted(weights: ArrayLike<number>): Sums {
    return (name) => {
      const all = this.#sums.get(name) ?? new Float64Array(GROUPS);
      const width = all.length / GROUPS;
      const total = new Float64Array(width);
      for (let group = 0; group < GROUPS; group++) {
        const weight = weights[group] ?? 0;
        if (weight === 0) continue;
        for (let i = 0; i < width; i++)
          total[i] = (total[i] ?? 0) + weight * (all[group * width + i] ?? 0);
      }
      return total;
    };
  }
}

/** Where sequences that are run together are counted. */
export interface Tallying {
  readonly tally: Tally;
  /** The number of the first of them among all that are scored. */
  readonly first: number;
}

/** Makes tensors that have an axis `batch` and adds them to the tally, each under its name with `prefix` before it. */
export async function tallyBatch<T extends Shaped>(
  engine: Engine<T>,
  make: () => Readonly<Record<string, T>>,
  prefix: string,
  { tally, first }: Tallying,
): Promise<void> {
  await using(engine, make, async (found) => {
    for (const [name, value] of Object.entries(found)) {
      const rows = await numbersOf(engine, value, ["batch"]);
      for (const [i, row] of rows.entries()) tally.add(first + i, prefix + name, row);
    }
  });
}

/** A number and its interval: null where it is not defined, such as a quotient by next to nothing. */
export interface Estimate {
  readonly value: number | null;
  /** 95 %, or null where there are fewer than two groups to draw. */
  readonly interval: readonly [number, number] | null;
}

/** Estimates functions of sums. */
export type Estimator = (statistic: (sums: Sums) => number | null) => Estimate;

/**
 * Percentile bootstrap over groups of sequences (Efron 1979): as many groups as there are, drawn with replacement,
 * `draws` times. Sequences are independent, the tokens in one are not; so sequences are what is drawn.
 */
export function bootstrap(
  tally: Tally,
  sequences: number,
  { draws, seed }: { readonly draws: number; readonly seed: number },
): Estimator {
  const groups = Math.min(GROUPS, sequences);
  const whole = tally.weighted(new Float64Array(groups).fill(1));
  const next = drawing(seed);
  const again = Array.from({ length: groups < 2 ? 0 : draws }, () => {
    const weights = new Float64Array(groups);
    for (let i = 0; i < groups; i++) {
      const group = Math.floor(next() * groups);
      weights[group] = (weights[group] ?? 0) + 1;
    }
    return tally.weighted(weights);
  });
  return (statistic) => {
    const value = statistic(whole);
    if (value === null || !Number.isFinite(value)) return { value, interval: null };
    const values = again
      .flatMap((sums) => statistic(sums) ?? [])
      .filter(Number.isFinite)
      .sort((a, b) => a - b);
    const low = values[Math.floor(0.025 * values.length)];
    const high = values[Math.ceil(0.975 * values.length) - 1];
    return { value, interval: low === undefined || high === undefined ? null : [low, high] };
  };
}
