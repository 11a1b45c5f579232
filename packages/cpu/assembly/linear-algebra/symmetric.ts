// A = Q·T·Qᵀ with T tridiagonal (LAPACK's dsytrd and dlatrd), then implicit QL or QR with Wilkinson's shift
// (dsteqr), from whichever end of a window is larger.
import { at, padded, take, takeMatrix } from "./arena";
import { gather } from "./bidiagonal";
import { beginProducts, product } from "./product";
import { applyToRows, beginReflectors, BLOCK, reflect, tau } from "./reflector";
import { c, first, r, rotate, s, second, symmetric2 } from "./rotation";
import { DONE, NO_CONVERGENCE, NO_MEMORY } from "./svd";
import { applySweeps, beginSequence, beginSweeps, recording, recordLeft } from "./sweeps";
import { add, addRows, dot, EPS, hypot, rowDots, SAFE_MIN, scale, sign } from "./vector";

/** Where the results of the last decomposition stand: eigenvalues, and eigenvectors as rows. */
export let eigenvalues: usize = 0;
export let eigenvectors: usize = 0;

/** Steps of QL per eigenvalue, on average, at most. */
const MOST_STEPS: i32 = 30;

@inline
function get(x: usize, i: i32): f64 {
  return load<f64>(x + (<usize>i << 3));
}

@inline
function set(x: usize, i: i32, value: f64): void {
  store<f64>(x + (<usize>i << 3), value);
}

/** Eigenvalues, in no order, of the symmetric matrix at `a` (rows padded; overwritten), and its vectors. */
export function decomposeSymmetric(n: i32, a: usize, vectors: bool): i32 {
  const ld = padded(n);
  eigenvalues = take(n);
  const e = take(n), taus = take(n), v = takeMatrix(n, n), work = take(2 * BLOCK);
  if (eigenvalues == 0 || e == 0 || taus == 0 || v == 0 || work == 0) return NO_MEMORY;
  if (!beginProducts() || !beginReflectors(n)) return NO_MEMORY;
  if (!tridiagonalize(n, a, eigenvalues, e, v, taus, work)) return NO_MEMORY;
  eigenvectors = 0;
  if (vectors) {
    eigenvectors = takeMatrix(n, n);
    if (eigenvectors == 0) return NO_MEMORY;
    for (let i = 0; i < n; i++) store<f64>(at(eigenvectors, ld, i, i), 1);
    applyToRows(n, n, eigenvectors, ld, n - 1, 1, v, ld, taus, true);
  }
  if (!beginSweeps(n, eigenvectors, n, 0, 0)) return NO_MEMORY;
  if (!tridiagonalQl(n, eigenvalues, e)) return NO_CONVERGENCE;
  applySweeps();
  return DONE;
}

/** Reflection i, which is row i of `v`, starts at place i + 1. */
function tridiagonalize(
  n: i32, a: usize, d: usize, e: usize, v: usize, taus: usize, work: usize,
): bool {
  const ld = padded(n);
  // A ← A − VᵀW − WᵀV: V and W stand in one stack of rows, W and V in another.
  const vw = takeMatrix(2 * BLOCK, n), wv = takeMatrix(2 * BLOCK, n), row = take(n);
  if (vw == 0 || wv == 0 || row == 0) return false;
  const w0 = at(vw, ld, BLOCK, 0), v1 = at(wv, ld, BLOCK, 0);
  for (let start = 0; start < n; start += BLOCK) {
    const width = min(BLOCK, n - start), stack = (<usize>(2 * BLOCK) * <usize>ld) << 3;
    memory.fill(vw, 0, stack);
    memory.fill(wv, 0, stack);
    for (let i = 0; i < width; i++) {
      const g = start + i, length = n - g, rest = length - 1;
      memory.copy(row, at(a, ld, g, g), <usize>length << 3);
      gather(i, w0, ld, g, work);
      addRows(i, length, -1, work, at(vw, ld, 0, g), ld, row);
      gather(i, vw, ld, g, work);
      addRows(i, length, -1, work, at(w0, ld, 0, g), ld, row);
      set(d, g, load<f64>(row));
      if (rest == 0) continue;
      const x = at(vw, ld, i, g + 1), w = at(w0, ld, i, g + 1);
      memory.copy(x, row + 8, <usize>rest << 3);
      set(e, g, reflect(rest, x));
      const t = tau;
      set(taus, g, t);
      memory.copy(at(v, ld, g, g + 1), x, <usize>rest << 3);
      if (t != 0) {
        rowDots(rest, rest, at(a, ld, g + 1, g + 1), ld, x, w);
        rowDots(i, rest, at(w0, ld, 0, g + 1), ld, x, work);
        addRows(i, rest, -1, work, at(vw, ld, 0, g + 1), ld, w);
        rowDots(i, rest, at(vw, ld, 0, g + 1), ld, x, work);
        addRows(i, rest, -1, work, at(w0, ld, 0, g + 1), ld, w);
        scale(rest, t, w);
        add(rest, -0.5 * t * dot(rest, w, x), x, w);
      }
      memory.copy(at(wv, ld, i, g + 1), w, <usize>rest << 3);
      memory.copy(at(v1, ld, i, g + 1), x, <usize>rest << 3);
    }
    const next = start + width;
    if (next < n) {
      product(
        n - next, n - next, 2 * BLOCK, -1,
        at(vw, ld, 0, next), 1, ld, at(wv, ld, 0, next), ld, 1, at(a, ld, next, next), ld,
      );
    }
  }
  return true;
}

/** Takes (d, e) to a diagonal matrix; false where it does not converge. */
function tridiagonalQl(n: i32, d: usize, e: usize): bool {
  let steps = 0, next = 0;
  const limit = MOST_STEPS * n;
  while (next < n) {
    // The window next … end in which no entry beside the diagonal is small.
    let end = next;
    for (; end < n - 1; end++) {
      const beside = Math.abs(get(e, end));
      if (beside <= sqrt<f64>(Math.abs(get(d, end))) * sqrt<f64>(Math.abs(get(d, end + 1))) * EPS) {
        set(e, end, 0);
        break;
      }
    }
    let at0 = next, stop = end;
    if (Math.abs(get(d, stop)) < Math.abs(get(d, at0))) {
      at0 = end;
      stop = next;
    }
    steps = stop >= at0 ? ql(at0, stop, d, e, steps, limit) : qr(at0, stop, d, e, steps, limit);
    if (steps > limit) return false;
    next = end + 1;
  }
  return true;
}

/** QL steps that find eigenvalue after eigenvalue from `l` to `stop` ≥ l; the count of steps so far. */
function ql(l: i32, stop: i32, d: usize, e: usize, steps: i32, limit: i32): i32 {
  while (l <= stop) {
    let m = l;
    for (; m < stop; m++) {
      const beside = Math.abs(get(e, m));
      if (beside * beside <= EPS * EPS * Math.abs(get(d, m)) * Math.abs(get(d, m + 1)) + SAFE_MIN) break;
    }
    if (m < stop) set(e, m, 0);
    let p = get(d, l);
    if (m == l) {
      l++;
      continue;
    }
    if (m == l + 1) {
      pair(l, d, e);
      l += 2;
      continue;
    }
    if (++steps > limit) return steps;
    const el = get(e, l);
    let g = (get(d, l + 1) - p) / (2 * el);
    g = get(d, m) - p + el / (g + sign(hypot(g, 1), g));
    let sn: f64 = 1, cs: f64 = 1;
    p = 0;
    beginSequence(l, m - l, true);
    for (let i = m - 1; i >= l; i--) {
      const f = sn * get(e, i), b = cs * get(e, i);
      rotate(g, f);
      cs = c;
      sn = s;
      if (i != m - 1) set(e, i + 1, r);
      g = get(d, i + 1) - p;
      const q = (get(d, i) - g) * sn + 2 * cs * b;
      p = sn * q;
      set(d, i + 1, g + p);
      g = cs * q - b;
      if (recording()) recordLeft(i - l, cs, -sn);
    }
    set(d, l, get(d, l) - p);
    set(e, l, g);
  }
  return steps;
}

/** The mirror image: QR steps from `l` down to `stop` ≤ l. */
function qr(l: i32, stop: i32, d: usize, e: usize, steps: i32, limit: i32): i32 {
  while (l >= stop) {
    let m = l;
    for (; m > stop; m--) {
      const beside = Math.abs(get(e, m - 1));
      if (beside * beside <= EPS * EPS * Math.abs(get(d, m)) * Math.abs(get(d, m - 1)) + SAFE_MIN) break;
    }
    if (m > stop) set(e, m - 1, 0);
    let p = get(d, l);
    if (m == l) {
      l--;
      continue;
    }
    if (m == l - 1) {
      pair(m, d, e);
      l -= 2;
      continue;
    }
    if (++steps > limit) return steps;
    const el = get(e, l - 1);
    let g = (get(d, l - 1) - p) / (2 * el);
    g = get(d, m) - p + el / (g + sign(hypot(g, 1), g));
    let sn: f64 = 1, cs: f64 = 1;
    p = 0;
    beginSequence(m, l - m, false);
    for (let i = m; i < l; i++) {
      const f = sn * get(e, i), b = cs * get(e, i);
      rotate(g, f);
      cs = c;
      sn = s;
      if (i != m) set(e, i - 1, r);
      g = get(d, i) - p;
      const q = (get(d, i + 1) - g) * sn + 2 * cs * b;
      p = sn * q;
      set(d, i, g + p);
      g = cs * q - b;
      if (recording()) recordLeft(i - m, cs, sn);
    }
    set(d, l, get(d, l) - p);
    set(e, l - 1, g);
  }
  return steps;
}

/** Rows i and i + 1, which are a problem of their own. */
function pair(i: i32, d: usize, e: usize): void {
  symmetric2(get(d, i), get(e, i), get(d, i + 1));
  set(d, i, first);
  set(d, i + 1, second);
  set(e, i, 0);
  if (!recording()) return;
  beginSequence(i, 1, false);
  recordLeft(0, c, s);
}
