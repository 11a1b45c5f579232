import type { Engine, Shaped } from "@resolvent/tensor";

/** Rows of numbers, one after the other. */
interface Rows {
  readonly data: Float64Array;
  /** How many. */
  readonly rows: number;
  /** How long each is. */
  readonly length: number;
}

/** What computes products of matrices. */
export interface Products {
  /** Entries of a matrix that are laid out together. */
  readonly panel: number;
  /** The least relative gain that is no rounding. */
  readonly tolerance: number;
  /** Adds `Σ_k a[i, k] · b[j, k]` to `sums[i, j]`. */
  addTo(sums: Float64Array, a: Rows, b: Rows): Promise<void>;
}

/** Products by plain loops. What they lay out together fits a processor's cache. */
export const plainProducts: Products = {
  panel: 1 << 15,
  tolerance: 1e-12,
  addTo: async (sums, a, b) => {
    for (let i = 0; i < a.rows; i += 2) {
      for (let j = 0; j < b.rows; j += 2) addFour(sums, i, j, a, b);
    }
  },
};

/** Products in float64: on an engine that has it, else by plain loops. */
export function exactProducts<T extends Shaped>(engine: Engine<T> | undefined): Products {
  return engine?.precision === "f64" ? productsOn(engine) : plainProducts;
}

/** Products on an engine; with float32 they guide, and tell gains to five digits. */
export function productsOn<T extends Shaped>(engine: Engine<T>): Products {
  const matrix = ({ data, rows, length }: Rows, axis: string): T =>
    engine.written({ [axis]: rows, k: length }, (numbers) => numbers.set(data));
  return {
    panel: 1 << 22,
    tolerance: engine.precision === "f64" ? 1e-12 : 1e-5,
    addTo: async (sums, a, b) => {
      const product = engine.scope(() =>
        engine.matmul(matrix(a, "i"), matrix(b, "j"), ["k"], ["i", "j"]),
      );
      try {
        const { data } = await engine.read(product);
        for (let at = 0; at < sums.length; at++) {
          sums[at] = (sums[at] as number) + (data[at] as number);
        }
      } finally {
        engine.free(product);
      }
    },
  };
}

/** Two rows with two: what is read is used twice, and the processor need not wait for one sum to finish. */
function addFour(sums: Float64Array, i: number, j: number, a: Rows, b: Rows): void {
  const { length } = a;
  const [x, y] = [a.data, b.data];
  const [row, column] = [i + 1 < a.rows, j + 1 < b.rows];
  let [s00, s01, s10, s11] = [0, 0, 0, 0];
  const [x0, y0] = [i * length, j * length];
  const [x1, y1] = [row ? x0 + length : x0, column ? y0 + length : y0]; // of an odd one the last twice
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
  const n = b.rows;
  const at = i * n + j;
  sums[at] = (sums[at] as number) + s00;
  if (column) sums[at + 1] = (sums[at + 1] as number) + s01;
  if (row) sums[at + n] = (sums[at + n] as number) + s10;
  if (row && column) sums[at + n + 1] = (sums[at + n + 1] as number) + s11;
}
