import { type LinearAlgebra, tensor } from "@resolvent/tensor";
import type { Square } from "./matrix.ts";
import type { Products } from "./products.ts";

/**
 * The orthogonal matrix of the largest `Σ_ij Q[i, j] · sums[i, j]`: of `sums = U S Vᵀ` it is `U Vᵀ` (Schönemann 1966).
 *
 * @param sums `Σ A[i, …] · B[j, …]`
 */
export async function procrustes(
  linear: LinearAlgebra,
  products: Products,
  sums: Square,
  n: number,
): Promise<Square> {
  const { U, V } = linear.svd(tensor({ i: n, j: n }, sums), "i", "j", "rank");
  const matrix = new Float64Array(n * n);
  const rows = (data: Float64Array): { data: Float64Array; rows: number; length: number } => {
    return { data, rows: n, length: n };
  };
  await products.addTo(matrix, rows(Float64Array.from(U.data)), rows(Float64Array.from(V.data)));
  return matrix;
}

/** Of those that keep the direction (1, …, 1), the one with the largest `Σ_ij Q[i, j] · sums[i, j]`. */
export async function centredProcrustes(
  linear: LinearAlgebra,
  products: Products,
  sums: Square,
  n: number,
): Promise<Square> {
  const row = new Float64Array(n);
  const column = new Float64Array(n);
  let all = 0;
  let largest = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const one = sums[i * n + j] as number;
      row[i] = (row[i] as number) + one / n;
      column[j] = (column[j] as number) + one / n;
      all += one / (n * n);
      largest = Math.max(largest, Math.abs(one));
    }
  }
  // What is left beside the direction, and on it something of the same size.
  const beside = sums.map((one, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return one - (row[i] as number) - (column[j] as number) + all + largest;
  });
  return await procrustes(linear, products, beside, n);
}
