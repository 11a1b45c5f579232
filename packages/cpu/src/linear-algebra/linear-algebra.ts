import type { LinearAlgebra } from "@resolvent/tensor";
import { loadLinearAlgebra } from "../module.ts";
import { batched } from "./batched.ts";
import { Decompositions, type Place, type Rows } from "./decompositions.ts";
import { sorted, sortedPairs } from "./order.ts";
import { readMatrix, type Source, symmetrize } from "./read.ts";
import { putTriangle } from "./triangle.ts";

/**
 * Singular values and eigenvalues, computed here in float64 SIMD on one thread, without threads or shared
 * memory: the same bits in every runtime.
 *
 * - `svd`: QR of a matrix that is much taller than wide, Golub–Kahan bidiagonal form, QR iteration of Demmel and
 *   Kahan (SIAM J. Sci. Stat. Comput. 11, 1990).
 * - `symmetricEigen`: tridiagonal form, implicit QL. The mean with the transpose is decomposed; entries may
 *   differ from their mirror image by 1e-5 of the largest, as rounding in float32 makes them.
 * - `eigenvalues`: balancing, Hessenberg form, Francis's double-shift QR.
 * - `triangle`: Householder reflections in panels; rows at the foot of a panel that are zero take no part.
 *
 * A batch is decomposed matrix by matrix. Memory of up to 64 MiB is kept between calls.
 *
 * Its functions throw InputError `cpu/not-finite` (with the place), `cpu/not-symmetric`, `cpu/no-memory` (4 GiB
 * at most), and InternalError `cpu/no-convergence`, which no matrix is known to cause.
 *
 * @throws InputError `cpu/no-kernels`
 */
export async function createLinearAlgebra(): Promise<LinearAlgebra> {
  const decompositions = new Decompositions(await loadLinearAlgebra());
  /** A matrix in the module's memory, turned where it is wider than tall; `back` undoes its scaling. */
  const read = (source: Source, m: number, n: number): { place: Place; back: number } => {
    const place = decompositions.matrix(Math.max(m, n), Math.min(m, n), source.where);
    const { rows, columns } = source;
    const tall = m < n ? { ...source, rows: columns, columns: rows } : source;
    return { place, back: 1 / readMatrix(tall, place) };
  };
  return batched({
    svd(source, m, n, to) {
      const { place, back } = read(source, m, n);
      const { values, left, right } = decompositions.svd(place, source.where);
      const order = sorted(values.numbers, "descending");
      putValues(values, order, back, to.values);
      putColumns(m < n ? right : left, order, m, to.left);
      putColumns(m < n ? left : right, order, n, to.right);
    },

    singularValues(source, m, n, to) {
      const { place, back } = read(source, m, n);
      const values = decompositions.singularValues(place, source.where);
      putValues(values, sorted(values.numbers, "descending"), back, to);
    },

    symmetric(source, n, to) {
      const { place, back } = read(source, n, n);
      symmetrize(source, place);
      const { values, vectors } = decompositions.symmetric(place, source.where);
      const order = sorted(values.numbers, "ascending");
      putValues(values, order, back, to.values);
      putColumns(vectors, order, n, to.vectors);
    },

    general(source, n, to) {
      const { place, back } = read(source, n, n);
      const { re, im } = decompositions.general(place, source.where);
      const order = sortedPairs(re.numbers, im.numbers);
      putValues(re, order, back, to.re);
      putValues(im, order, back, to.im);
    },

    triangle(source, shapes, to) {
      const place = decompositions.matrix(shapes.rows, shapes.columns, source.where);
      const back = 1 / readMatrix(source, place);
      putTriangle(decompositions.triangle(place, shapes.reflected, source.where), shapes, back, to);
    },

    settle: () => decompositions.settle(),
  });
}

function putValues({ numbers }: Rows, order: Int32Array, factor: number, to: Float64Array): void {
  order.forEach((from, i) => {
    to[i] = (numbers[from] as number) * factor; // `order` counts the numbers
  });
}

/** Rows of `length` numbers become columns. */
function putColumns(
  { numbers, step }: Rows,
  order: Int32Array,
  length: number,
  to: Float64Array,
): void {
  const size = order.length;
  // Eight columns at a time: a line of `to` in the cache is then filled before it has to leave.
  for (let first = 0; first < size; first += 8) {
    const end = Math.min(size, first + 8);
    for (let i = 0; i < length; i++) {
      for (let j = first; j < end; j++) {
        to[i * size + j] = numbers[(order[j] as number) * step + i] as number; // within both
      }
    }
  }
}
