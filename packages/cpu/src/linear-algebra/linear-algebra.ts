import {
  type Axis,
  type LinearAlgebra,
  placesIn,
  type Shape,
  sizeOf,
  type Tensor,
} from "@resolvent/tensor";
import { eigenShape, svdShape, triangleShape } from "@resolvent/tensor/rules";
import { loadLinearAlgebra } from "../module.ts";
import { Decompositions, type Rows } from "./decompositions.ts";
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
  const each = (work: () => void): void => {
    try {
      work();
    } finally {
      decompositions.settle();
    }
  };
  return {
    svd(a, rows, columns, rank) {
      const where = "svd";
      const { batch, U, S, V } = svdShape(a.shape, rows, columns, rank, where);
      const [u, s, v] = [zeros(U), zeros(S), zeros(V)];
      const [m, n, size] = [U[rows] as number, V[columns] as number, S[rank] as number]; // svdShape's
      if (size === 0) return { U: u, S: s, V: v };
      const wide = m < n; // then the transpose is decomposed
      each(() => {
        for (const [index, start] of placesIn(a.shape, batch).entries()) {
          const source = sourceOf(a, start, wide ? [columns, rows] : [rows, columns], where);
          const place = decompositions.matrix(Math.max(m, n), size, where);
          const factor = readMatrix(source, place);
          const { values, left, right } = decompositions.svd(place, where);
          const order = sorted(values.numbers, "descending");
          putValues(values, order, 1 / factor, s.data, index * size);
          putColumns(wide ? right : left, order, m, u.data, index * m * size);
          putColumns(wide ? left : right, order, n, v.data, index * n * size);
        }
      });
      return { U: u, S: s, V: v };
    },

    singularValues(a, rows, columns, rank) {
      const where = "singularValues";
      const { batch, U, S, V } = svdShape(a.shape, rows, columns, rank, where);
      const s = zeros(S);
      const [m, n, size] = [U[rows] as number, V[columns] as number, S[rank] as number]; // svdShape's
      if (size === 0) return s;
      each(() => {
        for (const [index, start] of placesIn(a.shape, batch).entries()) {
          const source = sourceOf(a, start, m < n ? [columns, rows] : [rows, columns], where);
          const place = decompositions.matrix(Math.max(m, n), size, where);
          const factor = readMatrix(source, place);
          const values = decompositions.singularValues(place, where);
          const order = sorted(values.numbers, "descending");
          putValues(values, order, 1 / factor, s.data, index * size);
        }
      });
      return s;
    },

    symmetricEigen(a, row, column, rank) {
      const where = "symmetricEigen";
      const shapes = eigenShape(a.shape, row, column, rank, where);
      const [values, vectors] = [zeros(shapes.values), zeros(shapes.vectors)];
      const n = shapes.values[rank] as number; // eigenShape's
      if (n === 0) return { values, vectors };
      each(() => {
        for (const [index, start] of placesIn(a.shape, shapes.batch).entries()) {
          const source = sourceOf(a, start, [row, column], where);
          const place = decompositions.matrix(n, n, where);
          const factor = readMatrix(source, place);
          symmetrize(source, place);
          const found = decompositions.symmetric(place, where);
          const order = sorted(found.values.numbers, "ascending");
          putValues(found.values, order, 1 / factor, values.data, index * n);
          putColumns(found.vectors, order, n, vectors.data, index * n * n);
        }
      });
      return { values, vectors };
    },

    eigenvalues(a, row, column, rank) {
      const where = "eigenvalues";
      const shapes = eigenShape(a.shape, row, column, rank, where);
      const [re, im] = [zeros(shapes.values), zeros(shapes.values)];
      const n = shapes.values[rank] as number; // eigenShape's
      if (n === 0) return { re, im };
      each(() => {
        for (const [index, start] of placesIn(a.shape, shapes.batch).entries()) {
          const source = sourceOf(a, start, [row, column], where);
          const place = decompositions.matrix(n, n, where);
          const factor = readMatrix(source, place);
          const found = decompositions.general(place, where);
          const order = sortedPairs(found.re.numbers, found.im.numbers);
          putValues(found.re, order, 1 / factor, re.data, index * n);
          putValues(found.im, order, 1 / factor, im.data, index * n);
        }
      });
      return { re, im };
    },

    triangle(a, rows, columns, beside) {
      const where = "triangle";
      const shapes = triangleShape(a.shape, rows, columns, beside, where);
      const R = zeros(shapes.R);
      if (R.data.length === 0) return R;
      each(() => {
        for (const [index, start] of placesIn(a.shape, shapes.batch).entries()) {
          const source = sourceOf(a, start, [rows, columns], where);
          const place = decompositions.matrix(shapes.rows, shapes.columns, where);
          const factor = readMatrix(source, place);
          const found = decompositions.triangle(place, shapes.reflected, where);
          putTriangle(found, shapes, 1 / factor, R, index);
        }
      });
      return R;
    },
  };
}

function sourceOf(
  a: Tensor,
  start: number,
  [rows, columns]: readonly [Axis, Axis],
  where: string,
): Source {
  return { a, where, start, rows, columns };
}

function zeros(shape: Shape): Tensor {
  return { shape, data: new Float64Array(sizeOf(shape)) };
}

function putValues(
  { numbers }: Rows,
  order: Int32Array,
  factor: number,
  to: Tensor["data"],
  start: number,
): void {
  order.forEach((from, i) => {
    to[start + i] = (numbers[from] as number) * factor; // `order` counts the numbers
  });
}

/** Rows of `length` numbers become columns. */
function putColumns(
  { numbers, step }: Rows,
  order: Int32Array,
  length: number,
  to: Tensor["data"],
  start: number,
): void {
  const size = order.length;
  // Eight columns at a time: a line of `to` in the cache is then filled before it has to leave.
  for (let first = 0; first < size; first += 8) {
    const end = Math.min(size, first + 8);
    for (let i = 0; i < length; i++) {
      for (let j = first; j < end; j++) {
        to[start + i * size + j] = numbers[(order[j] as number) * step + i] as number; // within both
      }
    }
  }
}
