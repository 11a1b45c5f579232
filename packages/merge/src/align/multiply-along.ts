import { laid } from "./agreement.ts";
import type { Part } from "./places.ts";
import type { Products } from "./products.ts";
import { along, type Slot } from "./slot.ts";

/** Multiplies by a matrix along a part: `new[i] = Σ_j M[i, j] · old[j]`; of one key-value head alone where `within` says so. */
export async function multiplyAlong(
  products: Products,
  x: Float64Array,
  slot: Slot,
  part: Part,
  matrix: Float64Array,
  within?: { readonly kv: number; readonly of: number },
): Promise<void> {
  const { own, rest } = along(slot, part, within);
  const n = own.length;
  const width = Math.min(rest.length, Math.max(128, Math.floor(products.panel / n)));
  const m = { data: matrix, rows: n, length: n };
  for (let start = 0; start < rest.length; start += width) {
    const columns = rest.subarray(start, Math.min(start + width, rest.length));
    const rows = columns.length;
    const out = new Float64Array(rows * n);
    await products.addTo(out, { data: laid(x, columns, own), rows, length: n }, m);
    for (let k = 0; k < rows; k++) {
      for (let i = 0; i < n; i++) {
        x[(columns[k] as number) + (own[i] as number)] = out[k * n + i] as number;
      }
    }
  }
}

/** Multiplies each entry with its factor along a part. */
export function scaleAlong(x: Float64Array, slot: Slot, part: Part, factors: Float64Array): void {
  const { own, rest } = along(slot, part);
  for (let i = 0; i < own.length; i++) {
    const factor = factors[i] as number;
    for (let k = 0; k < rest.length; k++) {
      const at = (own[i] as number) + (rest[k] as number);
      x[at] = (x[at] as number) * factor;
    }
  }
}

/** Adds to the entries of a slot, which has what a matrix has but for a part, `times · Σ_i W[i, …] · by[i]`. */
export function addScaledSums(
  x: Float64Array,
  slot: Slot,
  w: Float64Array,
  matrix: {
    readonly slot: Slot;
    readonly part: Part;
    readonly by: Float64Array;
    readonly times: number;
  },
): void {
  const { own, rest } = along(matrix.slot, matrix.part);
  const { own: places } = alongAll(slot);
  for (let k = 0; k < rest.length; k++) {
    let sum = 0;
    for (let i = 0; i < own.length; i++) {
      sum += (w[(own[i] as number) + (rest[k] as number)] as number) * (matrix.by[i] as number);
    }
    const at = places[k] as number;
    x[at] = (x[at] as number) + matrix.times * sum;
  }
}

/** All entries of a slot. */
function alongAll(slot: Slot): { readonly own: Float64Array } {
  const none: Part = { kind: "fixed", size: 1, stride: 0, signed: false };
  const { own, rest } = along(slot, none);
  return { own: rest.map((at) => at + (own[0] as number)) };
}
