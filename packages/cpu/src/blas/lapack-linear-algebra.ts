import type { LinearAlgebra, Tensor } from "@resolvent/tensor";
import { batched } from "../linear-algebra/batched.ts";
import { sortedPairs } from "../linear-algebra/order.ts";
import { readMatrix, type Source, symmetrize } from "../linear-algebra/read.ts";
import { putTriangle } from "../linear-algebra/triangle.ts";
import { nodeModule } from "../module.ts";
import { blasChoice, nativeFor } from "./choice.ts";
import { type Lapack, openLapack } from "./lapack.ts";
import type { Native } from "./native.ts";

/** Largest error of the decompositions that are tried at the start, relative to the matrix. */
const TOLERANCE = 1e-13;

/** Columns that LAPACK makes triangular at once, between two looks at which rows below are zero. */
const STRIP = 64;

/**
 * `LinearAlgebra` on the system's LAPACK (`dgesdd`, `dsyevd`, `dgeev`, `dgelqf`), in Node; undefined where there is none
 * or where it decomposes small matrices wrongly. Matrices are copied, since it overwrites them.
 *
 * The functions throw as those of `createLinearAlgebra` do, and InternalError `cpu/lapack` where LAPACK gives up.
 *
 * @param options `blas` as in `createCpu`; `threads` that LAPACK may use, by default as many as there are cores
 * @throws InputError `cpu/bad-option`, `cpu/no-blas`
 */
export function lapackLinearAlgebra(
  options: { readonly blas?: string; readonly threads?: number } = {},
): LinearAlgebra | undefined {
  const choice = blasChoice(options.blas);
  if ("use" in choice && choice.use === "off") return undefined;
  const native = nativeFor(choice);
  const lapack = openLapack(native);
  if (lapack === undefined || !decomposesRight(lapack)) return undefined;
  const threads = options.threads ?? nodeModule("node:os")?.availableParallelism() ?? 1;
  return onLapack(lapack, native, threads);
}

/** The interface on a library that was found right. */
function onLapack(lapack: Lapack, native: Native | undefined, threads: number): LinearAlgebra {
  const matrixOf = (source: Source, rows: number, columns: number): Read => {
    const numbers = new Float64Array(rows * columns);
    const place = { rows, columns, step: columns, numbers, address: 0 };
    return { numbers, place, back: 1 / readMatrix(source, place) };
  };
  /** Lets the library use threads of its own meanwhile: products of the engine call it from several. */
  const run = <R>(work: () => R): R => {
    native?.setThreads(threads);
    try {
      return work();
    } finally {
      native?.setThreads(1);
    }
  };
  return batched({
    svd(source, m, n, to) {
      const { numbers, back } = matrixOf(source, m, n);
      // Rows read as columns are the transpose, so left and right change places, and `right` is U as it is.
      const { values, left, right } = run(() => lapack.svd(numbers, n, m, true));
      to.values.set(values.map((value) => value * back));
      to.left.set(right);
      transpose(left, n, Math.min(m, n), to.right);
    },

    singularValues(source, m, n, to) {
      const { numbers, back } = matrixOf(source, m, n);
      const { values } = run(() => lapack.svd(numbers, n, m, false));
      to.set(values.map((value) => value * back));
    },

    symmetric(source, n, to) {
      const { numbers, place, back } = matrixOf(source, n, n);
      symmetrize(source, place);
      const found = run(() => lapack.symmetric(numbers, n));
      to.values.set(found.map((value) => value * back));
      transpose(numbers, n, n, to.vectors);
    },

    general(source, n, to) {
      const { numbers, back } = matrixOf(source, n, n);
      const found = run(() => lapack.general(numbers, n)); // the transpose has the same ones
      sortedPairs(found.re, found.im).forEach((from, i) => {
        to.re[i] = (found.re[from] as number) * back; // as many as the matrix has rows
        to.im[i] = (found.im[from] as number) * back;
      });
    },

    triangle(source, shapes, R) {
      const { rows: m, columns: n } = shapes;
      const count = Math.min(m, shapes.reflected);
      // Rows read as columns are the transpose, whose lower triangle is R as it is.
      const { numbers, back } = matrixOf(source, m, n);
      run(() => {
        for (let from = 0; from < count; from += STRIP) {
          const to = Math.min(count, from + STRIP);
          lapack.triangle(numbers, n, { from, to, end: lastRow(numbers, n, m, from, to) });
        }
      });
      putTriangle({ numbers, step: n }, shapes, back, R);
    },
  });
}

/** The number of rows up to the last that is not zero in some columns; not fewer than `to`. */
function lastRow(
  numbers: Float64Array,
  columns: number,
  rows: number,
  from: number,
  to: number,
): number {
  for (let row = rows; row > to; row--) {
    for (let j = from; j < to; j++) if (numbers[(row - 1) * columns + j] !== 0) return row;
  }
  return to;
}

interface Read {
  readonly numbers: Float64Array;
  readonly place: Parameters<typeof symmetrize>[1];
  /** What values are multiplied by, because the matrix was scaled. */
  readonly back: number;
}

/** `from[row + column · rows]` to `to[row · columns + column]`. */
function transpose(from: Float64Array, rows: number, columns: number, to: Float64Array): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      to[i * columns + j] = from[i + j * rows] as number; // within both
    }
  }
}

/** Whether the parts of small matrices make them again. */
function decomposesRight(lapack: Lapack): boolean {
  const la = onLapack(lapack, undefined, 1);
  const entry = (i: number, j: number): number => Math.sin(1 + 3 * i + 7 * j) + (i === j ? 1 : 0);
  const [m, n] = [7, 5];
  const matrix = (rows: number, columns: number, of = entry): Tensor => ({
    shape: { row: rows, column: columns },
    data: Float64Array.from({ length: rows * columns }, (_, at) =>
      of(Math.floor(at / columns), at % columns),
    ),
  });
  const symmetric = matrix(n, n, (i, j) => entry(Math.min(i, j), Math.max(i, j)));
  try {
    const tall = matrix(m, n);
    const { U, S, V } = la.svd(tall, "row", "column", "rank");
    const { values, vectors } = la.symmetricEigen(symmetric, "row", "column", "rank");
    const square = matrix(n, n);
    const { re, im } = la.eigenvalues(square, "row", "column", "rank");
    const total = (numbers: Tensor["data"]): number =>
      Array.from(numbers).reduce((sum, x) => sum + x, 0);
    const trace = (a: Tensor): number => total(a.data.filter((_, at) => at % (n + 1) === 0));
    // The sum of the eigenvalues is the trace, that of their squares the trace of the square.
    const squares = total(re.data.map((x, i) => x ** 2 - (im.data[i] ?? 0) ** 2));
    const ofSquare = total(square.data.map((x, at) => x * entry(at % n, Math.floor(at / n))));
    return (
      rebuilds(tall, U, S, V) &&
      rebuilds(symmetric, vectors, values, vectors) &&
      sameProducts(tall, la.triangle(tall, "row", "column", 2)) &&
      Math.abs(total(re.data) - trace(square)) < TOLERANCE * n &&
      Math.abs(squares - ofSquare) < TOLERANCE * n * n
    );
  } catch {
    return false;
  }
}

/** Whether the columns of a matrix have the same products as those of the triangle of its first three. */
function sameProducts(a: Tensor, R: Tensor): boolean {
  const n = 5;
  const products = ({ data }: Tensor, i: number, j: number): number => {
    let sum = 0;
    for (let at = 0; at < data.length; at += n)
      sum += (data[at + i] ?? Number.NaN) * (data[at + j] ?? Number.NaN);
    return sum;
  };
  return [0, 1, 2].every((i) =>
    [0, 1, 2, 3, 4].every((j) => Math.abs(products(a, i, j) - products(R, i, j)) <= TOLERANCE * n),
  );
}

/** Whether `a[i, j] = Σ left[i, r] · values[r] · right[j, r]`. */
function rebuilds(a: Tensor, left: Tensor, values: Tensor, right: Tensor): boolean {
  const rank = values.data.length;
  const at = (of: Tensor, i: number, r: number): number => of.data[i * rank + r] ?? Number.NaN;
  const columns = a.data.length / (left.data.length / rank);
  return a.data.every((x, place) => {
    let sum = 0;
    for (let r = 0; r < rank; r++) {
      const value = values.data[r] ?? Number.NaN;
      sum += at(left, Math.floor(place / columns), r) * value * at(right, place % columns, r);
    }
    return Math.abs(x - sum) <= TOLERANCE * columns;
  });
}
