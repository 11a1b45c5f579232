import { ratio } from "@resolvent/analysis";
import { type Engine, readTogether, type Shaped } from "@resolvent/tensor";
import { type ActivationLinearity, type Alignment, cosineOf } from "./alignment.ts";

/** Sums over the tokens that were looked at so far. */
export interface Tally {
  readonly cosine: Mean;
  readonly between: Mean;
  off: number;
  size: number;
  apart: number;
  firstSize: number;
}

interface Mean {
  sum: number;
  count: number;
}

export function tally(): Tally {
  const mean = (): Mean => ({ sum: 0, count: 0 });
  return { cosine: mean(), between: mean(), off: 0, size: 0, apart: 0, firstSize: 0 };
}

/** Adds tokens to tallies, of which entry `i` of the inner products belongs to the one at `i mod into.length`. */
export async function addTo<T extends Shaped>(
  engine: Engine<T>,
  into: readonly Tally[],
  { mm, me, ee, off, aa, ab, bb, apart }: Alignment<T>,
): Promise<void> {
  const read = await readTogether(engine, [mm, me, ee, off, aa, ab, bb, apart]);
  const at = (which: number, i: number): number => read[which]?.[i] ?? Number.NaN;
  for (const [i, size] of read[0].entries()) {
    const own = into[i % into.length] as Tally; // there is one at least
    take(own.cosine, cosineOf(size, at(1, i), at(2, i)));
    take(own.between, cosineOf(at(4, i), at(5, i), at(6, i)));
    own.off += at(3, i);
    own.size += size;
    own.apart += at(7, i);
    own.firstSize += at(4, i);
  }
}

function take(mean: Mean, cosine: number | null): void {
  if (cosine === null) return;
  mean.sum += cosine;
  mean.count++;
}

/** What the tokens say together. */
export function linearityOf(own: Tally): ActivationLinearity {
  const mean = ({ sum, count }: Mean) => (count === 0 ? null : sum / count);
  return {
    cosine: mean(own.cosine),
    relativeError: ratio(Math.sqrt(own.off), Math.sqrt(own.size)),
    between: mean(own.between),
    apart: ratio(Math.sqrt(own.apart), Math.sqrt(own.firstSize)),
  };
}
