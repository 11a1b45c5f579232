import type { ReadOptions } from "@resolvent/weights";
import { agreement } from "./agreement.ts";
import type { Permutation } from "./permutation.ts";
import type { Two } from "./two-models.ts";

/** How near two models are, over all tensors that both have. */
export interface Nearness {
  /** `Σ_t ⟨A_t, B_t⟩` */
  readonly objective: number;
  /** `‖A − B‖ / ‖A‖`; infinite where A is zero. */
  readonly distance: number;
}

/** How near `π(B)` is to A. @throws InputError `merge/not-finite`, and what reading throws */
export async function nearness(
  two: Two,
  permutation: Permutation,
  options: ReadOptions,
): Promise<Nearness> {
  const sums = { aa: 0, ab: 0, bb: 0 };
  for (const tensor of two.tensors) {
    options.signal?.throwIfAborted();
    const pair = await two.read(tensor, options);
    sums.ab += agreement(pair, permutation, two.sizes);
    sums.aa += squares(pair.a);
    sums.bb += squares(pair.b);
  }
  return nearnessOf(sums);
}

/** Of `⟨A, A⟩`, `⟨A, B⟩` and `⟨B, B⟩`. */
export function nearnessOf({ aa, ab, bb }: Readonly<Record<"aa" | "ab" | "bb", number>>): Nearness {
  const apart = Math.max(0, aa - 2 * ab + bb);
  return { objective: ab, distance: apart === 0 ? 0 : Math.sqrt(apart) / Math.sqrt(aa) };
}

export function squares(x: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i] as number) ** 2;
  return sum;
}
