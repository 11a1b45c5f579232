import { readFileSync } from "node:fs";
import type { Tensor } from "@resolvent/tensor";
import { matrix, random, randomSymmetric } from "./matrices.ts";

type Written =
  | { readonly rows: number; readonly columns: number; readonly data: readonly number[] }
  | {
      readonly rows: number;
      readonly columns: number;
      readonly seed: number;
      readonly symmetric: boolean;
    };

/** Singular values, descending, or eigenvalues of a symmetric matrix, ascending. */
export interface RealGolden {
  readonly name: string;
  readonly matrix: Written;
  /** By LAPACK. */
  readonly values: readonly number[];
  /** By arithmetic with 600 digits. */
  readonly exact?: readonly number[];
}

/** Eigenvalues of a general matrix, in no order. */
export interface ComplexGolden {
  readonly name: string;
  readonly matrix: Written;
  readonly re: readonly number[];
  readonly im: readonly number[];
  /** How far a backward-stable method may be off: see make_goldens.py. */
  readonly tolerance: number;
}

/** What make_goldens.py wrote. */
export const goldens: {
  readonly svd: readonly RealGolden[];
  readonly symmetric: readonly RealGolden[];
  readonly general: readonly ComplexGolden[];
} = JSON.parse(readFileSync(new URL("./goldens.json", import.meta.url), "utf8"));

/** The matrix of a golden, with axes `row` and `column`. */
export function matrixOf(written: Written): Tensor {
  const { rows, columns } = written;
  if ("data" in written) return matrix(rows, columns, written.data);
  return written.symmetric
    ? randomSymmetric(rows, written.seed)
    : random(rows, columns, written.seed);
}
