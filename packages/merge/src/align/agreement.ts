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
  const width = Math.min(restA.length, Math.max(128, Math.floor(PANEL / n)));
  const rows = 2 * Math.ceil(n / 2); // of an odd one the last is zero
  const panelA = new Float64Array(rows * width);
  const panelB = new Float64Array(rows * width);
  for (let start = 0; start < restA.length; start += width) {
    const length = Math.min(width, restA.length - start);
    lay(panelA, a, keys, restA.subarray(start, start + length), width);
    const signsHere = signs?.subarray(start, start + length);
    lay(panelB, b, keys, restB.subarray(start, start + length), width, signsHere);
    for (let i = 0; i < n; i += 2) {
      for (let j = 0; j < n; j += 2) {
        addFour(sums, n, i, j, panelA, panelB, width, length);
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

/** Two rows with two: what is read is used twice, and the processor need not wait for one sum to finish. */
function addFour(
  sums: Float64Array,
  n: number,
  i: number,
  j: number,
  x: Float64Array,
  y: Float64Array,
  width: number,
  length: number,
): void {
  let [s00, s01, s10, s11] = [0, 0, 0, 0];
  const [x0, y0] = [i * width, j * width];
  const [x1, y1] = [x0 + width, y0 + width];
  for (let k = 0; k < length; k++) {
    const a0 = x[x0 + k] as number;
    const a1 = x[x1 + k] as number;
    const b0 = y[y0 + k] as number;
    const b1 = y[y1 + k] as number;
    s00 += a0 * b0;
    s01 += a0 * b1;
    s10 += a1 * b0;
    s11 += a1 * b1;
  }
  const at = i * n + j;
  const [row, column] = [i + 1 < n, j + 1 < n];
  sums[at] = (sums[at] as number) + s00;
  if (column) sums[at + 1] = (sums[at + 1] as number) + s01;
  if (row) sums[at + n] = (sums[at + n] as number) + s10;
  if (row && column) sums[at + n + 1] = (sums[at + n + 1] as number) + s11;
}
