// Sums over adjacent float64 numbers, and products of a matrix with one vector.

/** Machine precision: the distance from 1 to the next smaller number. */
export const EPS: f64 = 1.1102230246251565e-16;

/** Distance from 1 to the next larger number. */
export const ULP: f64 = 2.220446049250313e-16;

/** Smallest number whose inverse does not overflow. */
export const SAFE_MIN: f64 = 2.2250738585072014e-308;

@inline
function total(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}

@inline
export function sign(size: f64, like: f64): f64 {
  return copysign<f64>(size, like);
}

/** `√(x² + y²)` without overflow. */
export function hypot(x: f64, y: f64): f64 {
  const a = Math.abs(x), b = Math.abs(y);
  const large = max(a, b), small = min(a, b);
  if (small == 0) return large;
  const ratio = small / large;
  return large * sqrt<f64>(1 + ratio * ratio);
}

export function dot(n: i32, x: usize, y: usize): f64 {
  let s0 = f64x2.splat(0), s1 = f64x2.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    s0 = f64x2.add(s0, f64x2.mul(v128.load(x), v128.load(y)));
    s1 = f64x2.add(s1, f64x2.mul(v128.load(x, 16), v128.load(y, 16)));
    x += 32;
    y += 32;
  }
  let s = total(f64x2.add(s0, s1));
  for (; i < n; i++) {
    s += load<f64>(x) * load<f64>(y);
    x += 8;
    y += 8;
  }
  return s;
}

/** `x ← factor·x` */
export function scale(n: i32, factor: f64, x: usize): void {
  const f = f64x2.splat(factor);
  let i = 0;
  for (; i + 2 <= n; i += 2) {
    v128.store(x, f64x2.mul(v128.load(x), f));
    x += 16;
  }
  if (i < n) store<f64>(x, load<f64>(x) * factor);
}

/** `y ← y + factor·x` */
export function add(n: i32, factor: f64, x: usize, y: usize): void {
  const f = f64x2.splat(factor);
  let i = 0;
  for (; i + 2 <= n; i += 2) {
    v128.store(y, f64x2.add(v128.load(y), f64x2.mul(v128.load(x), f)));
    x += 16;
    y += 16;
  }
  if (i < n) store<f64>(y, load<f64>(y) + load<f64>(x) * factor);
}

/** `√(Σ x²)`; scaled where the squares would overflow or vanish. */
export function norm(n: i32, x: usize): f64 {
  const squares = dot(n, x, x);
  if (squares > 1e-280 && squares < 1e280) return sqrt<f64>(squares);
  let largest: f64 = 0;
  for (let i = 0; i < n; i++) largest = max(largest, Math.abs(load<f64>(x + (<usize>i << 3))));
  if (largest == 0 || largest == Infinity) return largest;
  let sum: f64 = 0;
  for (let i = 0; i < n; i++) {
    const ratio = load<f64>(x + (<usize>i << 3)) / largest;
    sum += ratio * ratio;
  }
  return largest * sqrt<f64>(sum);
}

/** `y[i] ← A[i]·x` for each row. */
export function rowDots(rows: i32, columns: i32, a: usize, ld: i32, x: usize, y: usize): void {
  const step = <usize>ld << 3;
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    let p0 = a, p1 = a + step, p2 = a + 2 * step, p3 = a + 3 * step, q = x;
    let s0 = f64x2.splat(0), s1 = f64x2.splat(0), s2 = f64x2.splat(0), s3 = f64x2.splat(0);
    let t0 = f64x2.splat(0), t1 = f64x2.splat(0), t2 = f64x2.splat(0), t3 = f64x2.splat(0);
    let j = 0;
    for (; j + 4 <= columns; j += 4) {
      const u = v128.load(q), v = v128.load(q, 16);
      s0 = f64x2.add(s0, f64x2.mul(v128.load(p0), u));
      s1 = f64x2.add(s1, f64x2.mul(v128.load(p1), u));
      s2 = f64x2.add(s2, f64x2.mul(v128.load(p2), u));
      s3 = f64x2.add(s3, f64x2.mul(v128.load(p3), u));
      t0 = f64x2.add(t0, f64x2.mul(v128.load(p0, 16), v));
      t1 = f64x2.add(t1, f64x2.mul(v128.load(p1, 16), v));
      t2 = f64x2.add(t2, f64x2.mul(v128.load(p2, 16), v));
      t3 = f64x2.add(t3, f64x2.mul(v128.load(p3, 16), v));
      p0 += 32;
      p1 += 32;
      p2 += 32;
      p3 += 32;
      q += 32;
    }
    let r0 = total(f64x2.add(s0, t0)), r1 = total(f64x2.add(s1, t1));
    let r2 = total(f64x2.add(s2, t2)), r3 = total(f64x2.add(s3, t3));
    for (; j < columns; j++) {
      const u = load<f64>(q);
      r0 += load<f64>(p0) * u;
      r1 += load<f64>(p1) * u;
      r2 += load<f64>(p2) * u;
      r3 += load<f64>(p3) * u;
      p0 += 8;
      p1 += 8;
      p2 += 8;
      p3 += 8;
      q += 8;
    }
    store<f64>(y, r0);
    store<f64>(y, r1, 8);
    store<f64>(y, r2, 16);
    store<f64>(y, r3, 24);
    y += 32;
    a += 4 * step;
  }
  for (; i < rows; i++) {
    store<f64>(y, dot(columns, a, x));
    y += 8;
    a += step;
  }
}

/** `y ← y + factor · Σ_i x[i]·A[i]` over the rows. */
export function addRows(
  rows: i32, columns: i32, factor: f64, x: usize, a: usize, ld: i32, y: usize,
): void {
  const step = <usize>ld << 3;
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const x0 = factor * load<f64>(x), x1 = factor * load<f64>(x, 8);
    const x2 = factor * load<f64>(x, 16), x3 = factor * load<f64>(x, 24);
    const f0 = f64x2.splat(x0), f1 = f64x2.splat(x1), f2 = f64x2.splat(x2), f3 = f64x2.splat(x3);
    let p0 = a, p1 = a + step, p2 = a + 2 * step, p3 = a + 3 * step, q = y;
    let j = 0;
    for (; j + 2 <= columns; j += 2) {
      const u = f64x2.add(f64x2.mul(v128.load(p0), f0), f64x2.mul(v128.load(p1), f1));
      const v = f64x2.add(f64x2.mul(v128.load(p2), f2), f64x2.mul(v128.load(p3), f3));
      v128.store(q, f64x2.add(v128.load(q), f64x2.add(u, v)));
      p0 += 16;
      p1 += 16;
      p2 += 16;
      p3 += 16;
      q += 16;
    }
    if (j < columns) {
      const sum = load<f64>(p0) * x0 + load<f64>(p1) * x1 + (load<f64>(p2) * x2 + load<f64>(p3) * x3);
      store<f64>(q, load<f64>(q) + sum);
    }
    x += 32;
    a += 4 * step;
  }
  for (; i < rows; i++) {
    add(columns, factor * load<f64>(x), a, y);
    x += 8;
    a += step;
  }
}
