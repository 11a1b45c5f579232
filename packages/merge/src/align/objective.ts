import type { ReadOptions } from "@resolvent/weights";
import { addSums, type Pair, type Sums } from "./agreement.ts";
import type { Permutation } from "./permutation.ts";
import type { Sizes } from "./places.ts";
import type { Two } from "./two-models.ts";

/** How near two models are, over all tensors that both have. */
export interface Nearness {
  /** `Σ_t ⟨A_t, B_t⟩` */
  readonly objective: number;
  /** `‖A − B‖ / ‖A‖`; infinite where A alone is zero. */
  readonly distance: number;
}

/** How near `π(B)` is to A. @throws InputError `merge/not-finite`, and what reading throws */
export async function nearness(
  two: Two,
  permutation: Permutation,
  options: ReadOptions,
): Promise<Nearness> {
  return await nearnessOver(pairsOf(two, options), permutation, two.sizes);
}

/** The same of tensors that come one after the other. */
export async function nearnessOver(
  pairs: AsyncIterable<Pair>,
  permutation: Permutation,
  sizes: Sizes,
): Promise<Nearness> {
  const sums: Sums = { aa: 0, ab: 0, apart: 0 };
  for await (const pair of pairs) addSums(sums, pair, { permutation, sizes });
  const { aa, ab, apart } = sums;
  return { objective: ab, distance: apart === 0 ? 0 : Math.sqrt(apart) / Math.sqrt(aa) };
}

async function* pairsOf(two: Two, options: ReadOptions): AsyncGenerator<Pair> {
  for (const tensor of two.tensors) {
    options.signal?.throwIfAborted();
    yield await two.read(tensor, options);
  }
}
