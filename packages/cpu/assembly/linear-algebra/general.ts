// Eigenvalues of a general matrix: balancing, Hessenberg form in panels (LAPACK's dgehrd and dlahr2), then
// Francis's double-shift QR (dlahqr) with exceptional shifts.
import { at, padded, take, takeMatrix } from "./arena";
import { balance, high, low } from "./balance";
import { gather } from "./bidiagonal";
import { hessenbergQr } from "./hessenberg-qr";
import { beginProducts, product } from "./product";
import { applyToColumns, beginReflectors, BLOCK, extendTriangle, reflect, tau } from "./reflector";
import { DONE, NO_CONVERGENCE, NO_MEMORY } from "./svd";
import { addRows, rowDots, scale } from "./vector";

/** Where the last eigenvalues stand: real and imaginary parts; conjugate pairs are neighbours, + before −. */
export let realParts: usize = 0;
export let imaginaryParts: usize = 0;

/** Eigenvalues of the matrix at `a` (rows padded; overwritten). */
export function findEigenvalues(n: i32, a: usize): i32 {
  const ld = padded(n);
  realParts = take(n);
  imaginaryParts = take(n);
  const work = take(n + 8);
  if (realParts == 0 || imaginaryParts == 0 || work == 0) return NO_MEMORY;
  if (!beginProducts() || !beginReflectors(n)) return NO_MEMORY;
  balance(n, a, ld, work);
  // Only low … high needs work: eigenvalues outside stand on the diagonal.
  for (let i = 0; i < n; i++) {
    if (i < low || i > high) store<f64>(realParts + (<usize>i << 3), load<f64>(at(a, ld, i, i)));
  }
  const size = high - low + 1, inner = at(a, ld, low, low);
  if (!reduce(size, inner, ld)) return NO_MEMORY;
  const outcome = hessenbergQr(
    size, inner, ld, realParts + (<usize>low << 3), imaginaryParts + (<usize>low << 3),
  );
  return outcome ? DONE : NO_CONVERGENCE;
}

/** To Hessenberg form: zeros below the first subdiagonal. */
function reduce(n: i32, a: usize, ld: i32): bool {
  const ldv = padded(n);
  const v = takeMatrix(BLOCK, n), y = takeMatrix(BLOCK, n), t = take(BLOCK * BLOCK);
  const column = take(n), work = take(BLOCK), sums = take(BLOCK);
  if (v == 0 || y == 0 || t == 0 || column == 0 || work == 0 || sums == 0) return false;
  for (let start = 0; start < n - 2; start += BLOCK) {
    const width = min(BLOCK, n - 2 - start);
    memory.fill(v, 0, (<usize>BLOCK * <usize>ldv) << 3);
    memory.fill(y, 0, (<usize>BLOCK * <usize>ldv) << 3);
    memory.fill(t, 0, (<usize>BLOCK * <usize>BLOCK) << 3);
    for (let j = 0; j < width; j++) {
      const g = start + j, below = n - g - 1, inside = n - start - 1;
      // Column g with the panel's reflections from the right, A − Y·Vᵀ, and then from the left.
      gather(n, a, ld, g, column);
      gather(j, v, ldv, g, work);
      addRows(j, n, -1, work, y, ldv, column);
      const lower = column + (<usize>(start + 1) << 3);
      rowDots(j, inside, at(v, ldv, 0, start + 1), ldv, lower, work);
      for (let r = j - 1; r >= 0; r--) {
        let sum: f64 = 0;
        for (let l = 0; l <= r; l++) sum += load<f64>(at(t, BLOCK, l, r)) * load<f64>(work + (<usize>l << 3));
        store<f64>(work + (<usize>r << 3), sum);
      }
      addRows(j, inside, -1, work, at(v, ldv, 0, start + 1), ldv, lower);
      const x = at(v, ldv, j, g + 1);
      memory.copy(x, column + (<usize>(g + 1) << 3), <usize>below << 3);
      const beta = reflect(below, x), tj = tau;
      for (let r = 0; r <= g; r++) store<f64>(at(a, ld, r, g), load<f64>(column + (<usize>r << 3)));
      store<f64>(at(a, ld, g + 1, g), beta);
      for (let r = g + 2; r < n; r++) store<f64>(at(a, ld, r, g), 0);
      // y = τ·(A·v − Y·(Vᵀv)), and T's next column.
      rowDots(j, below, at(v, ldv, 0, g + 1), ldv, x, sums);
      if (tj != 0) {
        const yj = at(y, ldv, j, 0);
        rowDots(n, below, at(a, ld, 0, g + 1), ld, x, yj);
        addRows(j, n, -1, sums, y, ldv, yj);
        scale(n, tj, yj);
      }
      extendTriangle(t, j, tj, sums);
    }
    const next = start + width, columns = n - next;
    product(n, columns, width, -1, y, 1, ldv, at(v, ldv, 0, next), ldv, 1, at(a, ld, 0, next), ld);
    applyToColumns(
      n - start - 1, columns, at(a, ld, start + 1, next), ld,
      width, at(v, ldv, 0, start + 1), ldv, 0, t,
    );
  }
  return true;
}
