import { InputError } from "./errors.ts";
import type { Tensor } from "./ops.ts";
import { checkShape } from "./rules.ts";
import { type Axis, type Shape, sizeAlong, withoutAxes } from "./shape.ts";

/** `A = Σ U[rows, rank] · S[rank] · V[columns, rank]`, of every matrix of a batch. */
export interface Svd {
  /** `[…batch, rows, rank]`, orthonormal along `rows`. */
  readonly U: Tensor;
  /** `[…batch, rank]`, descending, none negative. */
  readonly S: Tensor;
  /** `[…batch, columns, rank]`, orthonormal along `columns`. */
  readonly V: Tensor;
}

/** `A[row, column] = Σ vectors[row, rank] · values[rank] · vectors[column, rank]`. */
export interface SymmetricEigen {
  /** `[…batch, rank]`, ascending. */
  readonly values: Tensor;
  /** `[…batch, row, rank]`: entry `i` of `rank` is the eigenvector of value `i`, of length 1. */
  readonly vectors: Tensor;
}

/** Complex numbers in two tensors of one shape. */
export interface Eigenvalues {
  /** Real parts, `[…batch, rank]`. */
  readonly re: Tensor;
  /** Imaginary parts, `[…batch, rank]`. */
  readonly im: Tensor;
}

/**
 * Decompositions of matrices in float64, on the host. Two axes make the matrix, all others are a batch; the
 * order of axes in memory does not matter. `rank` names the axis that counts singular values or eigenvalues.
 * Results are float64 tensors whose batch axes stand in `a`'s order.
 *
 * Errors are those of a backward-stable method: each result belongs exactly to a matrix that differs from `a`
 * by a modest multiple of 1e-16 times its norm. So singular values and symmetric eigenvalues are wrong by that
 * much at most; a general eigenvalue that is `k` times repeated in one Jordan block by the k-th root of it.
 * The signs of vectors, and the basis of vectors that share a value, are arbitrary.
 *
 * All functions throw the shape errors of `svdShape` and its neighbours, and those of the implementation:
 * numbers that are not finite, too little memory.
 */
export interface LinearAlgebra {
  /** Singular values and vectors; as many as the smaller side has entries. */
  svd(a: Tensor, rows: Axis, columns: Axis, rank: Axis): Svd;
  /** Singular values alone, descending: a fraction of the work. */
  singularValues(a: Tensor, rows: Axis, columns: Axis, rank: Axis): Tensor;
  /** Eigenvalues and vectors of symmetric matrices. */
  symmetricEigen(a: Tensor, row: Axis, column: Axis, rank: Axis): SymmetricEigen;
  /**
   * Eigenvalues of square matrices, by descending absolute value, then descending real part. The two of a
   * conjugate pair are neighbours, the one with positive imaginary part first.
   */
  eigenvalues(a: Tensor, row: Axis, column: Axis, rank: Axis): Eigenvalues;
  /**
   * The triangle `R` of `A = Q R`, without `Q`: `[…batch, rows, columns]` with `min(rows, columns)` rows, zeros below
   * the diagonal, whose entries are not negative. So it is the one and only where the columns are independent.
   *
   * The last `beside` columns (default 0) are only carried along: where `A = [X, Y]` the result is `[R, QᵀY]` of
   * `X = Q R`, with at most as many rows as `X` has columns, which is all that least squares of `Y` on `X` need.
   *
   * To add rows to a triangle, put them above it: where a matrix ends in a triangle, its zeros are passed over,
   * so that `n` rows on `d` columns cost `2nd²`, and `4nd` for each column beside.
   */
  triangle(a: Tensor, rows: Axis, columns: Axis, beside?: number): Tensor;
}

/** The shapes of a matrix's parts; `batch` are the axes that belong to no side. */
export interface SvdShapes {
  readonly batch: Shape;
  readonly U: Shape;
  readonly S: Shape;
  readonly V: Shape;
}

/**
 * The shapes that `svd` gives.
 * @throws InputError `tensor/no-axis`; `tensor/repeated-axis` where `rows`, `columns`, `rank` and the batch
 *   axes are not all different; `tensor/bad-axis`
 */
export function svdShape(
  a: Shape,
  rows: Axis,
  columns: Axis,
  rank: Axis,
  where = "svd",
): SvdShapes {
  distinct([rows, columns], where);
  const m = sizeAlong(a, rows, where);
  const n = sizeAlong(a, columns, where);
  const batch = withoutAxes(a, [rows, columns]);
  distinct([rows, columns, ...Object.keys(batch), rank], where);
  const size = checkShape({ [rank]: Math.min(m, n) }, where);
  return {
    batch,
    U: { ...batch, [rows]: m, ...size },
    S: { ...batch, ...size },
    V: { ...batch, [columns]: n, ...size },
  };
}

/**
 * The shapes that `symmetricEigen` gives (`vectors`) and `eigenvalues` too (`values`).
 * @throws InputError as `svdShape`, and `tensor/not-square`
 */
export function eigenShape(
  a: Shape,
  row: Axis,
  column: Axis,
  rank: Axis,
  where: string,
): { readonly batch: Shape; readonly values: Shape; readonly vectors: Shape } {
  const { batch, U, S } = svdShape(a, row, column, rank, where);
  const [rows, columns] = [a[row], a[column]];
  if (rows !== columns) {
    throw new InputError({
      code: "tensor/not-square",
      message: `${where}: expected as many entries along "${row}" as along "${column}", got ${rows} and ${columns}.`,
      remedy: "Only square matrices have eigenvalues; others have singular values.",
      details: { where, row, column, rows, columns },
    });
  }
  return { batch, values: S, vectors: U };
}

/** The shape of a triangle, and the counts behind it. */
export interface TriangleShapes {
  readonly batch: Shape;
  readonly R: Shape;
  readonly rows: number;
  readonly columns: number;
  /** Columns that are made triangular. */
  readonly reflected: number;
}

/**
 * The shape that `triangle` gives.
 * @throws InputError as `svdShape`, and `tensor/bad-beside` where there are not that many columns
 */
export function triangleShape(
  a: Shape,
  rows: Axis,
  columns: Axis,
  beside = 0,
  where = "triangle",
): TriangleShapes {
  distinct([rows, columns], where);
  const m = sizeAlong(a, rows, where);
  const n = sizeAlong(a, columns, where);
  if (!Number.isInteger(beside) || beside < 0 || beside > n) {
    throw new InputError({
      code: "tensor/bad-beside",
      message: `${where}: expected 0 to ${n} columns beside the triangle, got ${beside}.`,
      remedy: "Count the last columns, which are carried along.",
      details: { where, columns: n, got: beside },
    });
  }
  const batch = withoutAxes(a, [rows, columns]);
  const reflected = n - beside;
  return {
    batch,
    R: { ...batch, [rows]: Math.min(m, reflected), [columns]: n },
    rows: m,
    columns: n,
    reflected,
  };
}

function distinct(axes: readonly Axis[], where: string): void {
  const twice = axes.find((axis, i) => axes.indexOf(axis) !== i);
  if (twice === undefined) return;
  throw new InputError({
    code: "tensor/repeated-axis",
    message: `${where}: expected each axis once, got "${twice}" twice.`,
    remedy: "Name different axes, and a rank that the tensor does not have.",
    details: { where, axis: twice },
  });
}
