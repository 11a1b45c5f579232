import type { Address } from "../../worker/run.js";
import type { Pass } from "../cuts.ts";
import { type Program, programOf, type Writer } from "../program.ts";
import { totals } from "./totals.ts";

/** Inner products of vectors: `of(i, j)`. */
export interface Gram {
  readonly count: number;
  of(i: number, j: number): number;
}

/** All inner products of vectors, in one pass. Sums are those of `dot`, to the bit. */
export async function gramOf(
  pass: Pass,
  count: number,
  vectors: (writer: Writer) => readonly Address[],
): Promise<Gram> {
  const pairs = Array.from({ length: count }, (_, i) =>
    Array.from({ length: count - i }, (_, k) => [i, i + k] as const),
  ).flat();
  const program: Program = programOf((writer) => {
    const all = vectors(writer);
    for (const [i, j] of pairs)
      writer.op("product", all[i] as Address, all[j] as Address, writer.numbers(1)); // within them
  });
  const sums = await totals(pass, program);
  const at = new Map(pairs.map(([i, j], k) => [i * count + j, k]));
  return {
    count,
    of: (i, j) => sums[at.get(Math.min(i, j) * count + Math.max(i, j)) ?? -1] ?? 0,
  };
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
