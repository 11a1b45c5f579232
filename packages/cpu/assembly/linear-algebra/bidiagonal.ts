// A = Q·B·Pᵀ with B upper bidiagonal, in panels of BLOCK columns (LAPACK's dgebrd and dlabrd): half of the
// work is products of the whole remaining matrix with one vector, the other half is one product of matrices.
import { at, padded, takeMatrix } from "./arena";
import { product } from "./product";
import { BLOCK, reflect, tau } from "./reflector";
import { addRows, rowDots, scale } from "./vector";

/**
 * Reduces `a`, m × n with m ≥ n, which is overwritten. `d` gets n diagonal entries and `e` n − 1 beside them.
 * Vectors of reflections go to the rows of `q` (n × m, reflection i from place i on) and `p` (n × n, from place
 * i + 1 on), which hold zeros. False where memory is lacking.
 */
export function bidiagonalize(
  m: i32, n: i32, a: usize, d: usize, e: usize, q: usize, tauQ: usize, p: usize, tauP: usize, work: usize,
): bool {
  const ld = padded(n), ldm = padded(m);
  // A ← A − VᵀY − XᵀU: V and X stand in one stack of rows, Y and U in another.
  const tall = takeMatrix(2 * BLOCK, m), wide = takeMatrix(2 * BLOCK, n);
  if (tall == 0 || wide == 0) return false;
  const x0 = at(tall, ldm, BLOCK, 0), u0 = at(wide, ld, BLOCK, 0);
  for (let start = 0; start < n; start += BLOCK) {
    const width = min(BLOCK, n - start);
    memory.fill(tall, 0, (<usize>(2 * BLOCK) * <usize>ldm) << 3);
    memory.fill(wide, 0, (<usize>(2 * BLOCK) * <usize>ld) << 3);
    for (let i = 0; i < width; i++) {
      const g = start + i, rows = m - g, columns = n - g - 1, place = <usize>g << 3;
      // Column g with what the panel did to it so far, and its reflection.
      const v = at(tall, ldm, i, g);
      for (let r = 0; r < rows; r++) store<f64>(v + (<usize>r << 3), load<f64>(at(a, ld, g + r, g)));
      gather(i, wide, ld, g, work);
      addRows(i, rows, -1, work, at(tall, ldm, 0, g), ldm, v);
      gather(i, u0, ld, g, work);
      addRows(i, rows, -1, work, at(x0, ldm, 0, g), ldm, v);
      store<f64>(d + place, reflect(rows, v));
      const tq = tau;
      store<f64>(tauQ + place, tq);
      memory.copy(at(q, ldm, g, g), v, <usize>rows << 3);
      if (columns == 0) continue;
      // y = τ·Aᵀv
      const y = at(wide, ld, i, g + 1);
      if (tq != 0) {
        addRows(rows, columns, 1, v, at(a, ld, g, g + 1), ld, y);
        rowDots(i, rows, at(tall, ldm, 0, g), ldm, v, work);
        addRows(i, columns, -1, work, at(wide, ld, 0, g + 1), ld, y);
        rowDots(i, rows, at(x0, ldm, 0, g), ldm, v, work);
        addRows(i, columns, -1, work, at(u0, ld, 0, g + 1), ld, y);
        scale(columns, tq, y);
      }
      // Row g, and its reflection.
      const u = at(u0, ld, i, g + 1);
      memory.copy(u, at(a, ld, g, g + 1), <usize>columns << 3);
      gather(i + 1, tall, ldm, g, work);
      addRows(i + 1, columns, -1, work, at(wide, ld, 0, g + 1), ld, u);
      gather(i, x0, ldm, g, work);
      addRows(i, columns, -1, work, at(u0, ld, 0, g + 1), ld, u);
      store<f64>(e + place, reflect(columns, u));
      const tp = tau;
      store<f64>(tauP + place, tp);
      memory.copy(at(p, ld, g, g + 1), u, <usize>columns << 3);
      // x = τ·A·u
      if (tp == 0) continue;
      const x = at(x0, ldm, i, g + 1);
      rowDots(rows - 1, columns, at(a, ld, g + 1, g + 1), ld, u, x);
      rowDots(i + 1, columns, at(wide, ld, 0, g + 1), ld, u, work);
      addRows(i + 1, rows - 1, -1, work, at(tall, ldm, 0, g + 1), ldm, x);
      rowDots(i, columns, at(u0, ld, 0, g + 1), ld, u, work);
      addRows(i, rows - 1, -1, work, at(x0, ldm, 0, g + 1), ldm, x);
      scale(rows - 1, tp, x);
    }
    const next = start + width;
    if (next < n) {
      product(
        m - next, n - next, 2 * BLOCK, -1,
        at(tall, ldm, 0, next), 1, ldm, at(wide, ld, 0, next), ld, 1, at(a, ld, next, next), ld,
      );
    }
  }
  return true;
}

/** Entry `column` of the first `rows` rows. */
export function gather(rows: i32, a: usize, ld: i32, column: i32, to: usize): void {
  for (let i = 0; i < rows; i++) store<f64>(to + (<usize>i << 3), load<f64>(at(a, ld, i, column)));
}
