import type { Address } from "../worker/run.js";
import { Selection } from "./methods/select.ts";
import type { Program, Writer } from "./program.ts";
import type { Block } from "./walk.ts";

/** The entries above it are the largest: those of a larger magnitude, and of an equal one those up to an index. */
export interface Cut {
  readonly size: number;
  readonly to: number;
}

/** Whether an entry is one of the largest. */
export function isAbove({ size, to }: Cut, value: number, index: number): boolean {
  const magnitude = Math.abs(value);
  return magnitude > size || (magnitude === size && index <= to);
}

/** How many of the largest entries of a vector are meant. */
export interface Wanted {
  /** Index of the vector among those that the program has. */
  readonly vector: number;
  readonly count: number;
}

/** Entries that are gathered and looked at one by one, at most. */
const FEW = 2 ** 18;

/** Goes through a tensor once. */
export type Pass = (program: Program, visit: (block: Block) => void) => Promise<void>;

interface Search {
  readonly wanted: Wanted;
  /** Of those that may still be the last: the wanted one's place among them, and how many they are. */
  rank: number;
  left: number;
  /** The bits of the last one that are known, above `shift`. */
  readonly found: BigUint64Array;
  shift: number;
  cut?: Cut;
}

/**
 * Where vectors are cut, so that so many of their entries are above: of equal magnitudes, the lower index first. By digits of
 * 16 bits from the highest on, and by looking at each one of those that share a digit as soon as they are few: one to three
 * passes, one more where many are equal.
 *
 * @param write what each program begins with; gives the vectors' registers
 */
export async function cutsOf(
  wanted: readonly Wanted[],
  entries: number,
  program: (write: (writer: Writer) => void) => Program,
  write: (writer: Writer) => readonly Address[],
  pass: Pass,
): Promise<readonly Cut[]> {
  const searches = wanted.map((one): Search => {
    const found = new BigUint64Array(1);
    const search: Search = { wanted: one, rank: one.count, left: entries, found, shift: 64 };
    if (one.count <= 0) search.cut = { size: Number.POSITIVE_INFINITY, to: -1 };
    else if (one.count > entries) search.cut = { size: -1, to: -1 };
    return search;
  });
  for (;;) {
    const open = searches.filter(({ cut }) => cut === undefined);
    if (open.length === 0) break;
    const gathers = open.filter(({ left, shift }) => left <= FEW || shift === 0);
    const counts = open.filter((search) => !gathers.includes(search));
    const made = program((writer) => {
      const vectors = write(writer);
      const of = ({ wanted: { vector } }: Search): Address => vectors[vector] as Address; // one for each
      const known = ({ found }: Search): number => new Float64Array(found.buffer)[0] as number; // its bits
      for (const search of counts)
        writer.op("count", of(search), writer.counts(), search.shift - 16, known(search));
      for (const search of gathers) {
        const { at, length } = writer.list();
        writer.op("gather", of(search), at, length, Math.min(search.shift, 63), known(search));
      }
    });
    const sums = counts.map(() => new Float64Array(65_536));
    const finds = gathers.map((search) => finder(search));
    await pass(made, (block) => {
      for (const [i, sum] of sums.entries()) {
        const own = block.counts[i] ?? new Uint32Array();
        for (let digit = 0; digit < own.length; digit++)
          sum[digit] = (sum[digit] as number) + (own[digit] as number); // as long
      }
      for (const [i, find] of finds.entries())
        for (const list of block.lists[i] ?? []) find.add(list);
    });
    for (const [i, search] of counts.entries()) narrow(search, sums[i] as Float64Array); // one for each
    for (const [i, search] of gathers.entries())
      search.cut = finds[i]?.cut() ?? { size: -1, to: -1 };
  }
  return searches.map(({ cut }) => cut as Cut); // none is open
}

function narrow(search: Search, counts: Float64Array): void {
  let digit = 65_535;
  while (digit > 0 && (counts[digit] as number) < search.rank)
    search.rank -= counts[digit--] as number;
  search.shift -= 16;
  search.left = counts[digit] as number; // within them
  search.found[0] = (search.found[0] as bigint) | (BigInt(digit) << BigInt(search.shift));
  if (search.shift > 0) return;
  const size = new Float64Array(search.found.buffer)[0] as number; // one number
  // All that are equal are above, or they are zero, and it makes no difference which.
  if (search.left === search.rank || size === 0)
    search.cut = { size, to: Number.POSITIVE_INFINITY };
}

/** Looks at lists of pairs, magnitude and index. */
function finder({ rank, shift, left, found }: Search): {
  add(list: Float64Array): void;
  cut(): Cut;
} {
  if (shift === 0) {
    // All are equal: only places count.
    let [seen, to] = [0, -1];
    return {
      add: (list) => {
        const count = list.length / 2;
        if (seen < rank && seen + count >= rank) to = list[2 * (rank - seen) - 1] as number; // within it
        seen += count;
      },
      cut: () => ({ size: new Float64Array(found.buffer)[0] as number, to }),
    };
  }
  const sizes = new Float64Array(left);
  const places = new Float64Array(left);
  let length = 0;
  return {
    add: (list) => {
      for (let i = 0; i < list.length; i += 2) {
        sizes[length] = list[i] as number; // pairs
        places[length++] = list[i + 1] as number;
      }
    },
    cut: () => {
      const selection = new Selection(rank, left);
      while (!selection.done) {
        selection.add(sizes);
        selection.next();
      }
      const chosen = selection.chooser()(sizes);
      let cut = { size: Number.POSITIVE_INFINITY, to: -1 };
      for (let i = 0; i < left; i++) {
        const size = sizes[i] as number; // i is in range
        if (chosen[i] === 1 && size <= cut.size) cut = { size, to: places[i] as number }; // places rise
      }
      return cut;
    },
  };
}
