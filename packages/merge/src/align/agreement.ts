import { offsets, orderOf, signsOf } from "./order.ts";
import type { Permutation } from "./permutation.ts";
import type { Kind, Part, Placed, Sizes } from "./places.ts";

/** Most entries of each model that are laid out together: what fits a processor's cache. */
const PANEL = 1 << 15;

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
export function addAgreement(
  sums: Float64Array,
  { tensor, a, b }: Pair,
  kind: Kind,
  permutation: Permutation,
  sizes: Sizes,
): void {
  const own = tensor.parts.filter((part) => part.kind === kind);
  const rest = tensor.parts.filter((part) => part.kind !== kind);
  if (own.length === 0) return;
  const keys = offsets(own);
  const restA = offsets(rest);
  const restB = offsets(rest, (part) => orderOf(part, tensor, permutation, sizes));
  const signs = signsOf(rest, permutation);
  const n = keys.length;
  const width = Math.min(restA.length, Math.max(16, Math.floor(PANEL / n)));
  const panelA = new Float64Array(n * width);
  const panelB = new Float64Array(n * width);
  for (let start = 0; start < restA.length; start += width) {
    const length = Math.min(width, restA.length - start);
    lay(panelA, a, keys, restA.subarray(start, start + length), width);
    const signsHere = signs?.subarray(start, start + length);
    lay(panelB, b, keys, restB.subarray(start, start + length), width, signsHere);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        sums[i * n + j] =
          (sums[i * n + j] as number) + dot(panelA, i * width, panelB, j * width, length);
      }
    }
  }
}

/** `Σ ⟨A_t, π(B)_t⟩` of one tensor. */
export function agreement({ tensor, a, b }: Pair, permutation: Permutation, sizes: Sizes): number {
  const places = offsets(tensor.parts, (part: Part) => orderOf(part, tensor, permutation, sizes));
  const signs = signsOf(tensor.parts, permutation);
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    sum += (a[i] as number) * (b[places[i] as number] as number) * (signs?.[i] ?? 1);
  }
  return sum;
}

function lay(
  panel: Float64Array,
  x: Float64Array,
  keys: Float64Array,
  rest: Float64Array,
  width: number,
  signs?: Float64Array,
): void {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number;
    for (let k = 0; k < rest.length; k++) {
      panel[i * width + k] = (x[key + (rest[k] as number)] as number) * (signs?.[k] ?? 1);
    }
  }
}

/** Four sums at a time: the processor need not wait for one to finish. */
function dot(x: Float64Array, i: number, y: Float64Array, j: number, n: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < n; k += 4) {
    s0 += (x[i + k] as number) * (y[j + k] as number);
    s1 += (x[i + k + 1] as number) * (y[j + k + 1] as number);
    s2 += (x[i + k + 2] as number) * (y[j + k + 2] as number);
    s3 += (x[i + k + 3] as number) * (y[j + k + 3] as number);
  }
  for (; k < n; k++) s0 += (x[i + k] as number) * (y[j + k] as number);
  return s0 + s1 + (s2 + s3);
}
