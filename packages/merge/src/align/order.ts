import { kvOrder, type Permutation } from "./permutation.ts";
import type { Part, Placed, Sizes } from "./places.ts";

/** The order of a part of a tensor's axes: which old index stands at each new one; undefined where nothing moves. */
export function orderOf(
  part: Part,
  { layer }: Pick<Placed, "layer">,
  permutation: Permutation,
  sizes: Sizes,
): readonly number[] | undefined {
  switch (part.kind) {
    case "residual":
      return permutation.residual;
    case "mlp":
      return permutation.mlp[layer];
    case "heads":
      return permutation.heads[layer];
    case "kv":
      return kvOrder(permutation.heads[layer] ?? [], sizes.layers[layer]?.group ?? 1);
    default:
      return undefined;
  }
}

/** The signs of all entries that parts count, slowest first; undefined where none changes. */
export function signsOf(parts: readonly Part[], { signs }: Permutation): Float64Array | undefined {
  if (signs === undefined || !parts.some(({ signed }) => signed)) return undefined;
  let all = Float64Array.of(1);
  for (const { size, signed } of parts) {
    const next = new Float64Array(all.length * size);
    for (let i = 0, to = 0; i < all.length; i++) {
      for (let j = 0; j < size; j++)
        next[to++] = (all[i] as number) * (signed ? (signs[j] ?? 1) : 1);
    }
    all = next;
  }
  return all;
}

/** The offsets of all entries that parts count, slowest first, each part in an order. */
export function offsets(
  parts: readonly Part[],
  order: (part: Part) => readonly number[] | undefined = () => undefined,
): Float64Array {
  let all = new Float64Array(1);
  for (const part of parts) {
    const { size, stride } = part;
    const places = order(part);
    const next = new Float64Array(all.length * size);
    for (let i = 0, to = 0; i < all.length; i++) {
      for (let j = 0; j < size; j++) {
        next[to++] = (all[i] as number) + (places?.[j] ?? j) * stride;
      }
    }
    all = next;
  }
  return all;
}
