/** Bins of an octave. */
const PER_OCTAVE = 4;
/** Octaves below and above 1 that have bins of their own. */
const OCTAVES = 16;
/** Bins of a histogram: what is smaller or larger is in the first or the last. */
export const BINS: number = 2 * OCTAVES * PER_OCTAVE;

/** A bin of a histogram: values `from ≤ v < to`, four bins an octave. */
export interface HistogramBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** The bin of a value above 0. */
export function binOf(value: number): number {
  const bin = Math.floor(PER_OCTAVE * Math.log2(value)) + BINS / 2;
  return Math.max(0, Math.min(BINS - 1, bin));
}

/** The bins from the first to the last that is not empty. */
export function binsOf(counts: ArrayLike<number>): HistogramBin[] {
  const all = Array.from({ length: BINS }, (_, bin) => ({
    from: 2 ** ((bin - BINS / 2) / PER_OCTAVE),
    to: 2 ** ((bin + 1 - BINS / 2) / PER_OCTAVE),
    count: counts[bin] as number, // one for each
  }));
  const first = all.findIndex(({ count }) => count > 0);
  return first < 0 ? [] : all.slice(first, all.findLastIndex(({ count }) => count > 0) + 1);
}
