import { type Program, programOf } from "../program.ts";
import { areAlike } from "./entrywise.ts";
import type { ProgramRequest } from "./request.ts";
import { differences, type Vectors } from "./roles.ts";
import { totals } from "./totals.ts";

/** Vectors whose products are taken at once: see `ninefold` and `triangleStored` of the kernels. */
const TILE = 3;

/** Inner products of vectors: `of(i, j)`. */
export interface Gram {
  readonly count: number;
  of(i: number, j: number): number;
}

/** All inner products of inputs, or of their differences from a base, in one pass. Sums are those of `dot`, to the bit. */
export async function gramOf(
  vectors: Vectors,
  { dtypes, pass }: Pick<ProgramRequest, "dtypes" | "pass">,
): Promise<Gram> {
  const { base, others } = vectors;
  const count = others.length;
  const starts = Array.from({ length: Math.ceil(count / TILE) }, (_, i) => TILE * i);
  const tiles = starts.flatMap((row) =>
    starts.flatMap((column) => (column < row ? [] : [{ row, column }])),
  );
  const program: Program = programOf((writer) => {
    const { numbers, op, stored, table } = writer;
    const [first] = others;
    if (first !== undefined && tiles.length === 1 && areAlike(dtypes)) {
      const read = [...three(others, 0), base < 0 ? first : { at: base }];
      const rows = table(read.map(({ at }) => [{ stored: at }, 0]));
      op("triangleStored", numbers(TILE ** 2), ...stored(first.at), rows, base < 0 ? 0 : 1);
      return;
    }
    const all = differences(writer, vectors);
    for (const { row, column } of tiles)
      op("ninefold", numbers(TILE ** 2), ...three(all, row), ...three(all, column));
  });
  const sums = await totals(pass, program);
  const tileOf = new Map(tiles.map(({ row, column }, i) => [row * count + column, i]));
  return {
    count,
    of: (i, j) => {
      const [low, high] = i < j ? [i, j] : [j, i];
      const [row, column] = [low % TILE, high % TILE];
      const tile = tileOf.get((low - row) * count + high - column) ?? 0; // there is one
      return sums[TILE ** 2 * tile + TILE * row + column] ?? 0;
    },
  };
}

/** The three from a place on; the last stands for those that lack. */
function three<T>(all: readonly T[], start: number): readonly T[] {
  return [0, 1, 2].map((i) => all[Math.min(start + i, all.length - 1)] as T); // of none nothing is asked
}

/** `⟨Σ aᵢxᵢ, Σ bᵢxᵢ⟩`, and how large its terms are together: what is much smaller than they has lost digits. */
export function productIn(
  gram: Gram,
  a: readonly number[],
  b: readonly number[],
): { readonly value: number; readonly size: number } {
  let [value, size] = [0, 0];
  for (const [i, x] of a.entries()) {
    for (const [j, y] of b.entries()) {
      const term = x * y * gram.of(i, j);
      value += term;
      size += Math.abs(term);
    }
  }
  return { value, size };
}
