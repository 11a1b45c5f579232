import { offsets, orderOf, signsOf } from "./order.ts";
import type { Permutation } from "./permutation.ts";
import type { Kind, Part, Placed, Sizes } from "./places.ts";
import { type Products, plainProducts } from "./products.ts";

/** In which order B is read, and what computes. */
export interface Ordered {
  readonly permutation: Permutation;
  readonly sizes: Sizes;
  /** Default plain loops. */
  readonly products?: Products;
}

/** A tensor of two models. */
export interface Pair {
  readonly tensor: Placed;
  readonly a: Float64Array;
  readonly b: Float64Array;
}

/**
 * Adds to `sums[i, j]` the agreement of A's slice `i` with B's slice `j` along one kind of part, `Σ A[i, …] · B[j, …]`, the rest
 * of B in the order of the permutation. Nothing is added where the tensor has no such part.
 */
export async function addAgreement(
  sums: Float64Array,
  { tensor, a, b }: Pair,
  kind: Kind,
  { permutation, sizes, products = plainProducts }: Ordered,
): Promise<void> {
  const own = tensor.parts.filter((part) => part.kind === kind);
  const rest = tensor.parts.filter((part) => part.kind !== kind);
  if (own.length === 0) return;
  const keys = offsets(own);
  const restA = offsets(rest);
  const restB = offsets(rest, (part) => orderOf(part, tensor, permutation, sizes));
  const signs = signsOf(rest, permutation);
  const rows = keys.length;
  const width = Math.min(restA.length, Math.max(128, Math.floor(products.panel / rows)));
  for (let start = 0; start < restA.length; start += width) {
    const end = Math.min(start + width, restA.length);
    const length = end - start;
    const inA = laid(a, keys, restA.subarray(start, end));
    const inB = laid(b, keys, restB.subarray(start, end), signs?.subarray(start, end));
    await products.addTo(sums, { data: inA, rows, length }, { data: inB, rows, length });
  }
}

/** `⟨A, A⟩`, `⟨A, B⟩` and `‖A − B‖²`, of all tensors so far. */
export interface Sums {
  aa: number;
  ab: number;
  apart: number;
}

/** Adds a tensor, B's in the order of the permutation. */
export function addSums(
  sums: Sums,
  { tensor, a, b }: Pair,
  { permutation, sizes }: Omit<Ordered, "products">,
): void {
  const places = offsets(tensor.parts, (part: Part) => orderOf(part, tensor, permutation, sizes));
  const signs = signsOf(tensor.parts, permutation);
  let { aa, ab, apart } = { aa: 0, ab: 0, apart: 0 };
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, (b[places[i] as number] as number) * (signs?.[i] ?? 1)];
    aa += x * x;
    ab += x * y;
    apart += (x - y) ** 2;
  }
  sums.aa += aa;
  sums.ab += ab;
  sums.apart += apart;
}

/** Entries at all sums of two offsets, row after row. */
export function laid(
  x: Float64Array,
  keys: Float64Array,
  rest: Float64Array,
  signs?: Float64Array,
): Float64Array {
  const width = rest.length;
  const panel = new Float64Array(keys.length * width);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number;
    for (let k = 0; k < width; k++) {
      panel[i * width + k] = (x[key + (rest[k] as number)] as number) * (signs?.[k] ?? 1);
    }
  }
  return panel;
}
