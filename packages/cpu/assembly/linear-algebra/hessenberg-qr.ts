// Francis's double-shift QR on a Hessenberg matrix, eigenvalues only (LAPACK's dlahqr): deflation by Ahues and
// Tisseur's criterion, starts in the middle where two small entries follow each other, exceptional shifts.
import { at } from "./arena";
import { reflect, tau } from "./reflector";
import { general2, im, re0, re1 } from "./rotation";
import { SAFE_MIN, ULP } from "./vector";

/** Steps between exceptional shifts. */
const EXCEPTIONAL: i32 = 10;

/** Steps until one eigenvalue is found, at most, as a multiple of the size (of at least 10). */
const MOST_STEPS: i32 = 30;

/** Shifts: rt1 and rt2, conjugate or both real. */
let rt1Re: f64 = 0;
let rt1Im: f64 = 0;
let rt2Re: f64 = 0;
let rt2Im: f64 = 0;

/** The start of a sweep: three numbers. */
const vector: usize = memory.data(32);

let h: usize = 0;
let ld: i32 = 0;

@inline
function get(i: i32, j: i32): f64 {
  return load<f64>(at(h, ld, i, j));
}

@inline
function set(i: i32, j: i32, value: f64): void {
  store<f64>(at(h, ld, i, j), value);
}

/** Eigenvalues of the `n × n` Hessenberg matrix at `matrix`, which is overwritten; false without convergence. */
export function hessenbergQr(n: i32, matrix: usize, rowLength: i32, re: usize, imaginary: usize): bool {
  h = matrix;
  ld = rowLength;
  const small = SAFE_MIN * (<f64>n / ULP);
  const limit = MOST_STEPS * max(10, n);
  let last = n - 1;
  while (last >= 0) {
    let steps = 0, first = 0;
    for (; ; steps++) {
      if (steps > limit) return false;
      first = split(last, n, small);
      if (first > 0) set(first, first - 1, 0);
      if (first >= last - 1) break;
      chooseShifts(first, last, steps + 1);
      sweep(first, last);
    }
    const to = <usize>last << 3;
    if (first == last) {
      store<f64>(re + to, get(last, last));
      store<f64>(imaginary + to, 0);
    } else {
      general2(get(last - 1, last - 1), get(last - 1, last), get(last, last - 1), get(last, last));
      store<f64>(re + to - 8, re0);
      store<f64>(re + to, re1);
      store<f64>(imaginary + to - 8, im);
      store<f64>(imaginary + to, im == 0 ? 0 : -im);
    }
    last = first - 1;
  }
  return true;
}

/** The first row of the window that ends at `last`: above it the subdiagonal entry may be neglected. */
function split(last: i32, n: i32, small: f64): i32 {
  let k = last;
  for (; k > 0; k--) {
    const beside = Math.abs(get(k, k - 1));
    if (beside <= small) break;
    const before = get(k - 1, k - 1), here = get(k, k);
    let around = Math.abs(before) + Math.abs(here);
    if (around == 0) {
      if (k >= 2) around += Math.abs(get(k - 1, k - 2));
      if (k + 1 < n) around += Math.abs(get(k + 1, k));
    }
    if (beside > ULP * around) continue;
    const above = Math.abs(get(k - 1, k));
    const ab = max(beside, above), ba = min(beside, above);
    const apart = Math.abs(before - here);
    const aa = max(Math.abs(here), apart), bb = min(Math.abs(here), apart), s = aa + ab;
    if (ba * (ab / s) <= max(small, ULP * (bb * (aa / s)))) break;
  }
  return k;
}

function chooseShifts(first: i32, last: i32, step: i32): void {
  let h11: f64 = 0, h12: f64 = 0, h21: f64 = 0, h22: f64 = 0;
  if (step % EXCEPTIONAL == 0) {
    const atEnd = step % (2 * EXCEPTIONAL) == 0;
    const s = atEnd
      ? Math.abs(get(last, last - 1)) + Math.abs(get(last - 1, last - 2))
      : Math.abs(get(first + 1, first)) + Math.abs(get(first + 2, first + 1));
    h11 = 0.75 * s + (atEnd ? get(last, last) : get(first, first));
    h12 = -0.4375 * s;
    h21 = s;
    h22 = h11;
  } else {
    h11 = get(last - 1, last - 1);
    h12 = get(last - 1, last);
    h21 = get(last, last - 1);
    h22 = get(last, last);
  }
  rt1Re = 0;
  rt2Re = 0;
  rt1Im = 0;
  rt2Im = 0;
  const s = Math.abs(h11) + Math.abs(h12) + Math.abs(h21) + Math.abs(h22);
  if (s == 0) return;
  h11 /= s;
  h12 /= s;
  h21 /= s;
  h22 /= s;
  const half = (h11 + h22) / 2;
  const determinant = (h11 - half) * (h22 - half) - h12 * h21;
  const root = sqrt<f64>(Math.abs(determinant));
  if (determinant >= 0) {
    rt1Re = half * s;
    rt2Re = rt1Re;
    rt1Im = root * s;
    rt2Im = -rt1Im;
  } else {
    const x = half + root, y = half - root;
    rt1Re = (Math.abs(x - h22) <= Math.abs(y - h22) ? x : y) * s;
    rt2Re = rt1Re;
  }
}

/** One double step on the window. */
function sweep(first: i32, last: i32): void {
  let m = last - 2;
  for (; ; m--) {
    const h00 = get(m, m), h10 = get(m + 1, m), h11 = get(m + 1, m + 1);
    let s = Math.abs(h00 - rt2Re) + Math.abs(rt2Im) + Math.abs(h10);
    const ratio = h10 / s;
    let v1 = ratio * get(m, m + 1) + (h00 - rt1Re) * ((h00 - rt2Re) / s) - rt1Im * (rt2Im / s);
    let v2 = ratio * (h00 + h11 - rt1Re - rt2Re);
    let v3 = ratio * get(m + 2, m + 1);
    s = Math.abs(v1) + Math.abs(v2) + Math.abs(v3);
    v1 /= s;
    v2 /= s;
    v3 /= s;
    store<f64>(vector, v1);
    store<f64>(vector, v2, 8);
    store<f64>(vector, v3, 16);
    if (m == first) break;
    const around = Math.abs(get(m - 1, m - 1)) + Math.abs(h00) + Math.abs(h11);
    if (Math.abs(get(m, m - 1)) * (Math.abs(v2) + Math.abs(v3)) <= ULP * Math.abs(v1) * around) break;
  }
  for (let k = m; k < last; k++) {
    const size = min(3, last - k + 1);
    if (k > m) {
      store<f64>(vector, get(k, k - 1));
      store<f64>(vector, get(k + 1, k - 1), 8);
      if (size == 3) store<f64>(vector, get(k + 2, k - 1), 16);
    }
    const beta = reflect(size, vector), t1 = tau;
    if (k > m) {
      set(k, k - 1, beta);
      set(k + 1, k - 1, 0);
      if (size == 3) set(k + 2, k - 1, 0);
    } else if (m > first) {
      set(k, k - 1, get(k, k - 1) * (1 - t1));
    }
    const v2 = load<f64>(vector, 8), v3 = size == 3 ? load<f64>(vector, 16) : 0;
    if (size == 3) {
      turnRows(at(h, ld, k, k), last - k + 1, t1, v2, v3);
      turnColumns(at(h, ld, first, k), min(k + 3, last) - first + 1, t1, v2, v3);
    } else {
      turnTwo(k, first, last, t1, v2);
    }
  }
}

/** Three rows from `row` on, over `columns` columns: H ← H − t·v·(vᵀH). */
function turnRows(row: usize, columns: i32, t: f64, v2: f64, v3: f64): void {
  const step = <usize>ld << 3, second = step, third = step + step;
  const w2 = f64x2.splat(v2), w3 = f64x2.splat(v3);
  const t1 = f64x2.splat(t), t2 = f64x2.splat(t * v2), t3 = f64x2.splat(t * v3);
  let j = 0;
  for (; j + 2 <= columns; j += 2) {
    const a = v128.load(row), b = v128.load(row + second), c = v128.load(row + third);
    const sum = f64x2.add(a, f64x2.add(f64x2.mul(w2, b), f64x2.mul(w3, c)));
    v128.store(row, f64x2.sub(a, f64x2.mul(sum, t1)));
    v128.store(row + second, f64x2.sub(b, f64x2.mul(sum, t2)));
    v128.store(row + third, f64x2.sub(c, f64x2.mul(sum, t3)));
    row += 16;
  }
  if (j < columns) {
    const a = load<f64>(row), b = load<f64>(row + second), c = load<f64>(row + third);
    const sum = a + (v2 * b + v3 * c);
    store<f64>(row, a - sum * t);
    store<f64>(row + second, b - sum * (t * v2));
    store<f64>(row + third, c - sum * (t * v3));
  }
}

/** Three columns from `place` on, over `rows` rows: H ← H − (H·v)·t·vᵀ, two rows at a time. */
function turnColumns(place: usize, rows: i32, t: f64, v2: f64, v3: f64): void {
  const step = <usize>ld << 3;
  const w2 = f64x2.splat(v2), w3 = f64x2.splat(v3);
  const t1 = f64x2.splat(t), t2 = f64x2.splat(t * v2), t3 = f64x2.splat(t * v3);
  let i = 0;
  for (; i + 2 <= rows; i += 2) {
    const below = place + step;
    const x = v128.load(place), y = v128.load(below);
    const a = v128.shuffle<f64>(x, y, 0, 2), b = v128.shuffle<f64>(x, y, 1, 3);
    const c = v128.load64_lane(below, v128.load64_zero(place, 16), 1, 16);
    const sum = f64x2.add(a, f64x2.add(f64x2.mul(w2, b), f64x2.mul(w3, c)));
    const a1 = f64x2.sub(a, f64x2.mul(sum, t1)), b1 = f64x2.sub(b, f64x2.mul(sum, t2));
    const c1 = f64x2.sub(c, f64x2.mul(sum, t3));
    v128.store(place, v128.shuffle<f64>(a1, b1, 0, 2));
    v128.store(below, v128.shuffle<f64>(a1, b1, 1, 3));
    v128.store64_lane(place, c1, 0, 16);
    v128.store64_lane(below, c1, 1, 16);
    place = below + step;
  }
  if (i < rows) {
    const a = load<f64>(place), b = load<f64>(place, 8), c = load<f64>(place, 16);
    const sum = a + (v2 * b + v3 * c);
    store<f64>(place, a - sum * t);
    store<f64>(place, b - sum * (t * v2), 8);
    store<f64>(place, c - sum * (t * v3), 16);
  }
}

/** The last reflection of a sweep, of two rows and columns. */
function turnTwo(k: i32, first: i32, last: i32, t: f64, v2: f64): void {
  for (let j = k; j <= last; j++) {
    const a = get(k, j), b = get(k + 1, j), sum = a + v2 * b;
    set(k, j, a - sum * t);
    set(k + 1, j, b - sum * (t * v2));
  }
  for (let i = first; i <= last; i++) {
    const a = get(i, k), b = get(i, k + 1), sum = a + v2 * b;
    set(i, k, a - sum * t);
    set(i, k + 1, b - sum * (t * v2));
  }
}
