import type { Tensor } from "./ops.ts";
import type { Axis } from "./shape.ts";

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
