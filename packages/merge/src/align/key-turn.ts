import type { LinearAlgebra, Shaped } from "@resolvent/tensor";
import type { AttentionBlock } from "@resolvent/transformer";
import { partnerOf } from "./basis-change.ts";
import { identity, type Square } from "./matrix.ts";
import { procrustes } from "./procrustes.ts";
import type { Products } from "./products.ts";

/** An attention block, with the scales of the norms of its queries and keys. */
export interface HeadBlock {
  readonly block: AttentionBlock<Shaped>;
  readonly scales: readonly Float64Array[];
}

/** The best of what leaves scores as they are: rotations of rotary pairs, and an orthogonal matrix of what does not turn. */
export async function keyTurn(
  linear: LinearAlgebra,
  products: Products,
  { block, scales }: HeadBlock,
  sums: Square,
): Promise<Square> {
  const n = Math.sqrt(sums.length);
  const out = identity(n);
  const at = (i: number, j: number): number => sums[i * n + j] as number;
  const still: number[] = [];
  for (let i = 0; i < n; i++) {
    const j = partnerOf(block, i);
    if (j === undefined) still.push(i);
    if (j === undefined || j < i || scales.some((scale) => scale[i] !== scale[j])) continue;
    const angle = Math.atan2(at(j, i) - at(i, j), at(i, i) + at(j, j));
    out[i * n + i] = out[j * n + j] = Math.cos(angle);
    out[j * n + i] = Math.sin(angle);
    out[i * n + j] = -Math.sin(angle);
  }
  const equal = scales.every((scale) => still.every((i) => scale[i] === scale[still[0] ?? 0]));
  if (still.length < 2 || !equal) return out;
  const m = still.length;
  const part = Float64Array.from({ length: m * m }, (_, k) =>
    at(still[Math.floor(k / m)] as number, still[k % m] as number),
  );
  const turn = await procrustes(linear, products, part, m);
  for (const [k, one] of turn.entries()) {
    out[(still[Math.floor(k / m)] as number) * n + (still[k % m] as number)] = one;
  }
  return out;
}
