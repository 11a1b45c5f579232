// A = U·S·Vᵀ of m × n, m ≥ n: where A is much taller than wide it is first A = Q·R (Chan 1982), then bidiagonal
// form, then QR iteration. Vectors are rows here: U and V transposed.
import { at, padded, take, takeMatrix } from "./arena";
import { bidiagonalize } from "./bidiagonal";
import { bidiagonalQr } from "./bidiagonal-qr";
import { beginProducts } from "./product";
import { applyToRows, beginReflectors, BLOCK } from "./reflector";
import { beginSweeps } from "./sweeps";
import { factorize } from "./triangle";
import { scale } from "./vector";

/** Where the results of the last decomposition stand. */
export let values: usize = 0;
export let leftVectors: usize = 0;
export let rightVectors: usize = 0;

/** Outcomes. */
export const DONE: i32 = 0;
export const NO_MEMORY: i32 = 1;
export const NO_CONVERGENCE: i32 = 2;

/** From this ratio of rows to columns on, A = Q·R comes first. */
const TALL: f64 = 1.5;

/**
 * Singular values of the matrix at `a` (rows padded; overwritten) go to `values`, in no order; with `vectors`,
 * those of the left to the rows of `leftVectors` (n × m) and those of the right to `rightVectors` (n × n).
 */
export function decompose(m: i32, n: i32, a: usize, vectors: bool): i32 {
  const ld = padded(n), tall = <f64>m >= TALL * <f64>n && n > 1;
  values = take(n);
  const e = take(n), tauQ = take(n), tauP = take(n), work = take(2 * BLOCK);
  if (values == 0 || e == 0 || tauQ == 0 || tauP == 0 || work == 0) return NO_MEMORY;
  if (!beginProducts() || !beginReflectors(m)) return NO_MEMORY;

  let first: usize = 0, tauFirst: usize = 0, inner = a;
  const height = tall ? n : m;
  if (tall) {
    first = takeMatrix(n, m);
    tauFirst = take(n);
    inner = takeMatrix(n, n);
    if (first == 0 || tauFirst == 0 || inner == 0) return NO_MEMORY;
    factorize(m, n, a, ld, first, tauFirst);
    for (let i = 0; i < n; i++) memory.copy(at(inner, ld, i, i), at(a, ld, i, i), <usize>(n - i) << 3);
  }
  const q = takeMatrix(n, height), p = takeMatrix(n, n);
  if (q == 0 || p == 0) return NO_MEMORY;
  if (!bidiagonalize(height, n, inner, values, e, q, tauQ, p, tauP, work)) return NO_MEMORY;
  if (!vectors) {
    beginSweeps(n, 0, 0, 0, 0);
    return finish(n, e, 0);
  }

  const ldh = padded(height);
  const left = takeMatrix(n, height);
  rightVectors = takeMatrix(n, n);
  if (left == 0 || rightVectors == 0) return NO_MEMORY;
  for (let i = 0; i < n; i++) {
    store<f64>(at(left, ldh, i, i), 1);
    store<f64>(at(rightVectors, ld, i, i), 1);
  }
  applyToRows(n, height, left, ldh, n, 0, q, ldh, tauQ, true);
  applyToRows(n, n, rightVectors, ld, n - 1, 1, p, ld, tauP, true);
  if (!beginSweeps(n, left, height, rightVectors, n)) return NO_MEMORY;
  leftVectors = left;
  const outcome = finish(n, e, rightVectors);
  if (outcome != DONE || !tall) return outcome;

  const ldm = padded(m);
  leftVectors = takeMatrix(n, m);
  if (leftVectors == 0) return NO_MEMORY;
  for (let i = 0; i < n; i++) memory.copy(at(leftVectors, ldm, i, 0), at(left, ldh, i, 0), <usize>n << 3);
  applyToRows(n, m, leftVectors, ldm, n, 0, first, ldm, tauFirst, false);
  return DONE;
}

function finish(n: i32, e: usize, right: usize): i32 {
  if (!bidiagonalQr(n, values, e)) return NO_CONVERGENCE;
  for (let i = 0; i < n; i++) {
    const place = values + (<usize>i << 3), value = load<f64>(place);
    if (value < 0 && right != 0) scale(n, -1, at(right, padded(n), i, 0));
    store<f64>(place, Math.abs(value));
  }
  return DONE;
}
