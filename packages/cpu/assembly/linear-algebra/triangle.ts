// A = Q·R in panels of BLOCK columns.
import { at, padded, take, takeMatrix } from "./arena";
import { beginProducts } from "./product";
import { applyToColumns, beginReflectors, BLOCK, reflect, tau } from "./reflector";
import { add, dot } from "./vector";

/** R replaces A's upper triangle; reflection i is row i of `v` (n × m), its τ stands at `taus`. */
export function factorize(m: i32, n: i32, a: usize, ld: i32, v: usize, taus: usize): void {
  const ldm = padded(m);
  for (let start = 0; start < n; start += BLOCK) {
    const width = min(BLOCK, n - start), next = start + width;
    const vectors = at(v, ldm, start, start), own = taus + (<usize>start << 3);
    panel(m - start, width, at(a, ld, start, start), ld, vectors, ldm, own);
    applyToColumns(m - start, n - next, at(a, ld, start, next), ld, width, vectors, ldm, own, 0);
  }
}

/**
 * R replaces the upper triangle of the first `k` columns of the m × n matrix at `a`; the other columns become those
 * of Qᵀ·A. What was below the diagonal is left over. Rows at the foot of a panel that are zero take no part: of rows
 * above a triangle only as many are reflected as there are above it. False where memory is lacking.
 */
export function triangularize(m: i32, n: i32, k: i32, a: usize): bool {
  const ld = padded(n), ldm = padded(m), steps = min(m, k);
  const v = takeMatrix(BLOCK, m), taus = take(BLOCK);
  if (v == 0 || taus == 0 || !beginProducts() || !beginReflectors(n)) return false;
  for (let start = 0; start < steps; start += BLOCK) {
    const width = min(BLOCK, steps - start), next = start + width;
    const rows = live(m - start, width, at(a, ld, start, start), ld);
    panel(rows, width, at(a, ld, start, start), ld, v, ldm, taus);
    applyToColumns(rows, n - next, at(a, ld, start, next), ld, width, v, ldm, taus, 0);
  }
  return true;
}

/** Rows up to the last that is not zero in a panel's `width` columns; not fewer than `width`. */
function live(rows: i32, width: i32, a: usize, ld: i32): i32 {
  for (let r = rows; r > width; r--) {
    for (let j = 0; j < width; j++) if (load<f64>(at(a, ld, r - 1, j)) != 0) return r;
  }
  return min(rows, width);
}

/** Factorizes `width` columns; the vectors go to the rows of `v`, with zeros before their leading 1. */
function panel(rows: i32, width: i32, a: usize, ld: i32, v: usize, ldv: i32, taus: usize): void {
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < width; j++) store<f64>(at(v, ldv, j, r), load<f64>(at(a, ld, r, j)));
  }
  for (let j = 0; j < width; j++) {
    const x = at(v, ldv, j, j), beta = reflect(rows - j, x), t = tau;
    store<f64>(taus + (<usize>j << 3), t);
    for (let l = j + 1; l < width; l++) {
      const y = at(v, ldv, l, j);
      add(rows - j, -t * dot(rows - j, x, y), x, y);
    }
    for (let r = 0; r < j; r++) { // R's entries above the diagonal leave the place of v's zeros
      store<f64>(at(a, ld, r, j), load<f64>(at(v, ldv, j, r)));
      store<f64>(at(v, ldv, j, r), 0);
    }
    store<f64>(at(a, ld, j, j), beta);
  }
}
