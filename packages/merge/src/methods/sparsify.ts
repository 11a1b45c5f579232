import { refuse } from "../refuse.ts";
import { checkEpsilon } from "./checks.ts";
import { sum } from "./numbers.ts";
import { largest } from "./select.ts";

/** Which entries of a difference stay: the largest, those between both ends, random ones, or random ones by rank. */
export type Sparsifier = "magnitude" | "ends" | "random" | "rank";

/** What is divided by, so that what stays stands for all: the L1 norm as mergekit does, or the keep probability. */
export type Rescaling = "l1" | "probability";

export interface SparsifyOptions {
  /** The share that stays; from 1 on all stays as it is. */
  readonly density: number;
  /** Of `ends`: the share of the largest that is dropped; default 0.01. */
  readonly gamma?: number;
  /** Of `rank`: how far keep probabilities go from the density; default 0.15. */
  readonly epsilon?: number;
  /** Length of rows, which `rank` ranks. */
  readonly row: number;
  /** Random numbers from 0 to below 1, one an entry, for `random` and `rank`. */
  readonly uniform?: (() => Float64Array) | undefined;
  /** Which entries stay, in place of what the sparsifier would choose. */
  readonly mask?: ArrayLike<number> | undefined;
  readonly rescale?: Rescaling | undefined;
}

/** Sums below it are not divided by. */
export const LEAST_SUM = 1e-7;

/**
 * A difference of which only some entries stay, the others 0.
 *
 * `magnitude`: the `⌊density·n⌋` largest (Yadav et al. 2023, TIES, arXiv 2306.01708). `ends`: the `⌊γn⌋` largest are dropped,
 * then the smallest until `⌊density·n⌋` remain (Davari & Belilovsky 2023, breadcrumbs, 2312.06795). `random`: each with
 * probability density (Yu et al. 2023, DARE, 2311.03099). `rank`: with a probability from density − ε for the smallest of a
 * row to density + ε for its largest (Deep et al. 2024, DELLA, 2406.11617). Of equal magnitudes the one of lower index counts
 * as larger; in the ranks of a row as smaller.
 *
 * @throws InputError `merge/trim-empty`, `merge/della-epsilon`
 */
export function sparsify(
  delta: Float64Array,
  sparsifier: Sparsifier,
  options: SparsifyOptions,
): Float64Array {
  const { density, rescale } = options;
  if (density >= 1) return delta;
  const probabilities = sparsifier === "rank" ? byRank(delta, options) : undefined;
  const keeps = keeper(delta, sparsifier, options, probabilities);
  const out = new Float64Array(delta.length);
  for (let i = 0; i < out.length; i++) if (keeps(i)) out[i] = delta[i] as number; // i is in range
  if (rescale === "l1") rescaleL1(out, delta);
  if (rescale === "probability") {
    for (let i = 0; i < out.length; i++)
      out[i] = (out[i] as number) / (probabilities?.[i] ?? density);
  }
  return out;
}

function keeper(
  delta: Float64Array,
  sparsifier: Sparsifier,
  { density, gamma = 0.01, uniform, mask }: SparsifyOptions,
  probabilities: Float64Array | undefined,
): (i: number) => boolean {
  if (mask !== undefined) return (i) => mask[i] === 1;
  if (sparsifier === "random" || sparsifier === "rank") {
    const numbers = uniform?.() ?? new Float64Array(delta.length);
    return (i) => (numbers[i] as number) < (probabilities?.[i] ?? density); // one for each entry
  }
  const { from, to } = ranksOf(delta.length, density, sparsifier === "ends" ? gamma : 0);
  const [dropped, above] = [largest(delta, from), largest(delta, to)];
  return (i) => above[i] === 1 && dropped[i] !== 1;
}

/**
 * Which ranks stay of n entries, by falling magnitude: `⌊density·n⌋` of them, after the `⌊γn⌋` largest, or fewer of these
 * where they would be too many.
 *
 * @throws InputError `merge/trim-empty`
 */
export function ranksOf(
  entries: number,
  density: number,
  gamma: number,
): { readonly from: number; readonly to: number } {
  const kept = Math.floor(density * entries);
  if (kept <= 0) {
    throw refuse(
      "trim-empty",
      `density ${density} keeps none of ${entries} entries.`,
      "Give a higher density.",
      { density, entries },
    );
  }
  const from = Math.max(0, Math.min(Math.floor(gamma * entries), entries - kept));
  return { from, to: from + kept };
}

/** Keep probabilities by the rank of an entry's magnitude in its row. */
function byRank(
  delta: Float64Array,
  { density, epsilon = 0.15, row }: SparsifyOptions,
): Float64Array {
  checkEpsilon("a row", density, epsilon);
  const out = new Float64Array(delta.length).fill(density);
  if (row < 2) return out;
  for (let start = 0; start < delta.length; start += row) {
    const own = delta.subarray(start, start + row);
    const order = Uint32Array.from(own, (_, i) => i);
    order.sort((a, b) => Math.abs(own[a] as number) - Math.abs(own[b] as number) || a - b); // in range
    for (let rank = 0; rank < row; rank++) {
      out[start + (order[rank] as number)] = density - epsilon + (2 * epsilon * rank) / (row - 1);
    }
  }
  return out;
}

function rescaleL1(kept: Float64Array, all: Float64Array): void {
  const size = (x: Float64Array): number => sum(0, x.length, (i) => Math.abs(x[i] as number)); // in range
  const [before, after] = [size(all), size(kept)];
  if (before < LEAST_SUM || after < LEAST_SUM) return;
  const factor = before / after;
  for (let i = 0; i < kept.length; i++) kept[i] = (kept[i] as number) * factor;
}
