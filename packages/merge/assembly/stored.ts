// Numbers as they are stored, to float64 and back: F64 (0), F32 (1), F16 (2), BF16 (3). Up to eight entries at a time:
// what stands behind the last one is read and written too, up to a multiple of 64 bytes.

const F64: i32 = 0;
const F32: i32 = 1;
const F16: i32 = 2;

/** What the exponents of an f16 and an f32 differ by. */
const SHIFT: i32 = 112 << 23;
/** From here on an f16, moved to its place in an f32, is infinite or no number. */
const INFINITE: i32 = 0x7c00 << 13;
/** 2⁻¹⁴, the smallest normal f16, as f32 bits; its exponent stands where a subnormal's would. */
const SMALLEST: i32 = 113 << 23;
/** One half as f32 bits: added to a subnormal f16, its last bit stands at the end. */
const HALF: i32 = 126 << 23;

/** Four f32 from four f16, each in the lower half of 32 bits. */
@inline
function fromF16(h: v128): v128 {
  const sign = v128.shl<i32>(v128.and(h, v128.splat<i32>(0x8000)), 16);
  const size = v128.shl<i32>(v128.and(h, v128.splat<i32>(0x7fff)), 13);
  const infinite = v128.ge<i32>(size, v128.splat<i32>(INFINITE));
  const subnormal = v128.lt<i32>(size, v128.splat<i32>(0x400 << 13));
  const shift = v128.splat<i32>(SHIFT);
  // Twice the shift brings the largest exponent of one to that of the other.
  const normal = v128.add<i32>(v128.add<i32>(size, shift), v128.and(infinite, shift));
  const smallest = v128.splat<i32>(SMALLEST);
  const small = v128.sub<f32>(v128.add<i32>(size, smallest), smallest);
  return v128.or(sign, v128.bitselect(small, normal, subnormal));
}

/** Four f32 from the first half of eight entries. */
@inline
function low(dtype: i32, from: usize): v128 {
  if (dtype == F32) return v128.load(from);
  const four = v128.load64_zero(from);
  if (dtype == F16) return fromF16(v128.extend_low<u16>(four));
  return v128.shuffle<u16>(v128.splat<i32>(0), four, 0, 8, 0, 9, 0, 10, 0, 11);
}

/** The other two of four. */
@inline
function upper(four: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i64>(four, four, 1, 1));
}

/** What becomes of entries: they are stored as they are, multiplied, added as multiples, or as multiples of differences. */
const PLAIN: i32 = 0;
const SCALED: i32 = 1;
const ADDED: i32 = 2;
const DIFFERENCE: i32 = 3;

@inline
function use(how: i32, x: v128, to: usize, base: usize, f: v128): void {
  if (how == PLAIN) v128.store(to, x);
  else if (how == SCALED) v128.store(to, v128.mul<f64>(f, x));
  else {
    const own = how == ADDED ? x : v128.sub<f64>(x, v128.load(base));
    v128.store(to, v128.add<f64>(v128.load(to), v128.mul<f64>(f, own)));
  }
}

@inline
function each(how: i32, n: i32, dtype: i32, from: usize, to: usize, base: usize, factor: f64): bool {
  const zero = v128.splat<f64>(0);
  const f = v128.splat<f64>(factor);
  let odd = zero; // no number where one is not finite
  if (dtype == F64) {
    for (let i = 0; i < n; i += 2) {
      const x = v128.load(from);
      odd = v128.add<f64>(odd, v128.mul<f64>(x, zero));
      use(how, x, to, base, f);
      from += 16;
      to += 16;
      base += 16;
    }
    return v128.all_true<i64>(v128.eq<f64>(odd, zero));
  }
  const step: usize = dtype == F32 ? 16 : 8;
  for (let i = 0; i < n; i += 4) {
    const four = low(dtype, from);
    odd = v128.add<f32>(odd, v128.mul<f32>(four, zero));
    use(how, f64x2.promote_low_f32x4(four), to, base, f);
    use(how, upper(four), to + 16, base + 16, f);
    from += step;
    to += 32;
    base += 32;
  }
  return v128.all_true<i32>(v128.eq<f32>(odd, zero));
}

/** A loop of its own for each dtype, without a choice inside. */
@inline
function all(how: i32, n: i32, dtype: i32, from: usize, to: usize, base: usize, f: f64): bool {
  if (dtype == F32) return each(how, n, F32, from, to, base, f);
  if (dtype == F16) return each(how, n, F16, from, to, base, f);
  if (dtype == F64) return each(how, n, F64, from, to, base, f);
  return each(how, n, 3, from, to, base, f);
}

// Each of these says whether all entries are finite.

/** `x` */
export function stored(n: i32, first: f64, to: usize, from: usize, dtype: i32): bool {
  return all(PLAIN, n, dtype, from, to, to, 0);
}

/** `f·x` */
export function scaledStored(n: i32, first: f64, to: usize, from: usize, dtype: i32, f: f64): bool {
  return all(SCALED, n, dtype, from, to, to, f);
}

/** `out + f·x` */
export function addStored(n: i32, first: f64, to: usize, from: usize, dtype: i32, f: f64): bool {
  return all(ADDED, n, dtype, from, to, to, f);
}

/** `out + f·(x − base)` */
export function addDifferenceStored(
  n: i32,
  first: f64,
  to: usize,
  from: usize,
  dtype: i32,
  base: usize,
  f: f64,
): bool {
  return all(DIFFERENCE, n, dtype, from, to, base, f);
}

/**
 * `(start + Σ w·x) / by`, or with a base `base + lambda·(start + Σ w·(x − base)) / by`, which stays in registers. `rows` has where
 * the base, if there is one, and the `count` others begin, and the weights; `x` is where the first of them is now.
 */
@inline
function weighted(
  n: i32,
  dtype: i32,
  based: bool,
  out: usize,
  x: usize,
  rows: usize,
  count: i32,
  start: f64,
  by: f64,
  lambda: f64,
): void {
  const factor = v128.splat<f64>(lambda);
  const divisor = v128.splat<f64>(by);
  const begin = based ? rows + 16 : rows;
  const end = begin + (<usize>count << 4);
  const step: usize = dtype == F32 ? 16 : 8;
  let from = x - <usize>load<u32>(rows);
  for (let i = 0; i < n; i += 4) {
    let a = v128.splat<f64>(0);
    let b = a;
    if (based) {
      const four = low(dtype, x);
      a = f64x2.promote_low_f32x4(four);
      b = upper(four);
      x += step;
    }
    let sumA = v128.splat<f64>(start);
    let sumB = sumA;
    for (let row = begin; row < end; row += 16) {
      const four = low(dtype, <usize>load<u32>(row) + from);
      const w = v128.load64_splat(row, 8);
      let c = f64x2.promote_low_f32x4(four);
      let d = upper(four);
      if (based) {
        c = v128.sub<f64>(c, a);
        d = v128.sub<f64>(d, b);
      }
      sumA = v128.add<f64>(sumA, v128.mul<f64>(w, c));
      sumB = v128.add<f64>(sumB, v128.mul<f64>(w, d));
    }
    if (by != 1) {
      sumA = v128.div<f64>(sumA, divisor);
      sumB = v128.div<f64>(sumB, divisor);
    }
    if (based) {
      sumA = v128.add<f64>(a, v128.mul<f64>(factor, sumA));
      sumB = v128.add<f64>(b, v128.mul<f64>(factor, sumB));
    }
    v128.store(out, sumA);
    v128.store(out, sumB, 16);
    from += step;
    out += 32;
  }
}

/**
 * `base + lambda·(Σ w·(x − base) / by)` of inputs stored alike, not as F64, without a way over memory. `rows` has where the base
 * and the `count` others begin, and the weights. What is not finite makes a result that is not.
 */
export function movedStored(
  n: i32,
  first: f64,
  out: usize,
  base: usize,
  dtype: i32,
  rows: usize,
  count: i32,
  lambda: f64,
  by: f64,
): void {
  if (dtype == F32) weighted(n, F32, true, out, base, rows, count, 0, by, lambda);
  else if (dtype == F16) weighted(n, F16, true, out, base, rows, count, 0, by, lambda);
  else weighted(n, 3, true, out, base, rows, count, 0, by, lambda);
}

/**
 * `(start + Σ w·x) / by` of inputs stored alike, not as F64, without a way over memory; with −0 to start from it is the sum
 * itself. `rows` has where the `count` inputs begin, and the weights. What is not finite makes a result that is not.
 */
export function combinedStored(
  n: i32,
  first: f64,
  out: usize,
  x: usize,
  dtype: i32,
  rows: usize,
  count: i32,
  start: f64,
  by: f64,
): void {
  if (dtype == F32) weighted(n, F32, false, out, x, rows, count, start, by, 1);
  else if (dtype == F16) weighted(n, F16, false, out, x, rows, count, start, by, 1);
  else weighted(n, 3, false, out, x, rows, count, start, by, 1);
}

@inline
function sum(so: f64, a: v128, b: v128): f64 {
  const two = v128.mul<f64>(a, b);
  return so + f64x2.extract_lane(two, 0) + f64x2.extract_lane(two, 1);
}

@inline
function triangle(n: i32, dtype: i32, based: bool, into: usize, x: usize, rows: usize): bool {
  const step: usize = dtype == F32 ? 16 : 8;
  const from = x - <usize>load<u32>(rows);
  let y = from + <usize>load<u32>(rows, 16);
  let z = from + <usize>load<u32>(rows, 32);
  let base = from + <usize>load<u32>(rows, 48);
  let aa: f64 = 0;
  let ab: f64 = 0;
  let ac: f64 = 0;
  let bb: f64 = 0;
  let bc: f64 = 0;
  let cc: f64 = 0;
  for (let i = 0; i < n; i += 4) {
    const a4 = low(dtype, x);
    const b4 = low(dtype, y);
    const c4 = low(dtype, z);
    let a = f64x2.promote_low_f32x4(a4);
    let b = f64x2.promote_low_f32x4(b4);
    let c = f64x2.promote_low_f32x4(c4);
    let d = upper(a4);
    let e = upper(b4);
    let f = upper(c4);
    if (based) {
      const four = low(dtype, base);
      const first = f64x2.promote_low_f32x4(four);
      const second = upper(four);
      a = v128.sub<f64>(a, first);
      b = v128.sub<f64>(b, first);
      c = v128.sub<f64>(c, first);
      d = v128.sub<f64>(d, second);
      e = v128.sub<f64>(e, second);
      f = v128.sub<f64>(f, second);
      base += step;
    }
    aa = sum(sum(aa, a, a), d, d);
    ab = sum(sum(ab, a, b), d, e);
    ac = sum(sum(ac, a, c), d, f);
    bb = sum(sum(bb, b, b), e, e);
    bc = sum(sum(bc, b, c), e, f);
    cc = sum(sum(cc, c, c), f, f);
    x += step;
    y += step;
    z += step;
  }
  store<f64>(into, aa);
  store<f64>(into, ab, 8);
  store<f64>(into, ac, 16);
  store<f64>(into, bb, 32);
  store<f64>(into, bc, 40);
  store<f64>(into, cc, 64);
  return isFinite<f64>(aa) && isFinite<f64>(bb) && isFinite<f64>(cc);
}

@inline
function either(n: i32, dtype: i32, based: i32, into: usize, x: usize, rows: usize): bool {
  if (based != 0) return triangle(n, dtype, true, into, x, rows);
  return triangle(n, dtype, false, into, x, rows);
}

/**
 * `Σ a·a`, `Σ a·b`, `Σ a·c`, `Σ b·b`, `Σ b·c`, `Σ c·c` of three inputs stored alike, not as F64, or of their differences from a
 * fourth where there is a base; `rows` has where they begin, and the sums stand where `ninefold` has them. A sum waits for
 * itself, so that six take hardly longer than one. 2 where something is not finite: it may be any of them.
 */
export function triangleStored(
  n: i32,
  first: f64,
  into: usize,
  x: usize,
  dtype: i32,
  rows: usize,
  based: i32,
): i32 {
  if (dtype == F32) return either(n, F32, based, into, x, rows) ? 1 : 2;
  if (dtype == F16) return either(n, F16, based, into, x, rows) ? 1 : 2;
  return either(n, 3, based, into, x, rows) ? 1 : 2;
}

/** Four f32, the nearest to four float64. */
@inline
function nearest(a: v128, b: v128): v128 {
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 2);
}

/**
 * The bits of `near`, rounded to odd: toward zero, with the last bit set where anything was cut off. Rounding that once more
 * gives what rounding the float64 would have given (Boldo and Melquiond 2008, "Emulation of a FMA and correctly rounded
 * sums").
 */
@inline
function toOdd(near: v128, a: v128, b: v128): v128 {
  const backA = f64x2.promote_low_f32x4(near);
  const backB = upper(near);
  const cut = v128.shuffle<i32>(v128.ne<f64>(backA, a), v128.ne<f64>(backB, b), 0, 2, 4, 6);
  const above = v128.shuffle<i32>(
    v128.gt<f64>(v128.abs<f64>(backA), v128.abs<f64>(a)),
    v128.gt<f64>(v128.abs<f64>(backB), v128.abs<f64>(b)),
    0, 2, 4, 6,
  );
  return v128.or(v128.add<i32>(near, above), v128.and(cut, v128.splat<i32>(1))); // a true lane is −1
}

/** Where a float64 has the bits of its exponent. */
const EXPONENT: i64 = 0x7ff0000000000000;

/**
 * Two float64, rounded to the eight bits of a BF16, ties to even, where those are normal: adding 1.5 · 2⁴⁵ times its power of
 * two leaves no room for the other 45 bits of a number.
 */
@inline
function shortened(x: v128): v128 {
  const power = v128.and(x, v128.splat<i64>(EXPONENT));
  const large = v128.mul<f64>(power, v128.splat<f64>(1.5 * 35184372088832));
  return v128.sub<f64>(v128.add<f64>(x, large), large);
}

/** Four BF16, each in the upper half of 32 bits, where they are normal. */
@inline
function nearBF16(a: v128, b: v128): v128 {
  return nearest(shortened(a), shortened(b));
}

/** Four BF16, each in the upper half of 32 bits. */
@inline
function toBF16(a: v128, b: v128): v128 {
  const bits = toOdd(nearest(a, b), a, b);
  const last = v128.and(v128.shr<u32>(bits, 16), v128.splat<i32>(1));
  return v128.add<i32>(v128.add<i32>(bits, v128.splat<i32>(0x7fff)), last);
}

/** Below 2⁻¹²⁶, the smallest normal one. */
@inline
function subnormal(four: v128): v128 {
  return v128.lt<f32>(v128.abs<f32>(four), v128.splat<f32>(1.1754943508222875e-38));
}

/** Four F16, each in the lower half of 32 bits. */
@inline
function toF16(a: v128, b: v128): v128 {
  const bits = toOdd(nearest(a, b), a, b);
  const sign = v128.and(v128.shr<u32>(bits, 16), v128.splat<i32>(0x8000));
  const size = v128.and(bits, v128.splat<i32>(0x7fffffff));
  const last = v128.and(v128.shr<u32>(size, 13), v128.splat<i32>(1));
  const carried = v128.add<i32>(v128.add<i32>(size, v128.splat<i32>(0xfff - SHIFT)), last);
  const half = v128.splat<i32>(HALF);
  const denormal = v128.sub<i32>(v128.add<f32>(size, half), half);
  const small = v128.lt<i32>(size, v128.splat<i32>(SMALLEST));
  const infinite = v128.ge<i32>(size, v128.splat<i32>(0x47800000)); // 2^16 and above
  const normal = v128.bitselect(v128.splat<i32>(0x7c00), v128.shr<u32>(carried, 13), infinite);
  return v128.or(sign, v128.bitselect(denormal, normal, small));
}

/** Float64 to entries, each rounded once, to nearest, ties to even; whether all are finite, before and after. */
export function encode(n: i32, first: f64, from: usize, to: usize, dtype: i32): bool {
  const zero = v128.splat<f64>(0);
  let odd = zero;
  if (dtype == F64) return stored(n, first, to, from, F64);
  if (dtype == F32) {
    for (let i = 0; i < n; i += 4) {
      const near = nearest(v128.load(from), v128.load(from, 16));
      odd = v128.add<f32>(odd, v128.mul<f32>(near, zero));
      v128.store(to, near);
      from += 32;
      to += 16;
    }
    return v128.all_true<i32>(v128.eq<f32>(odd, zero));
  }
  return dtype == F16 ? halves(n, F16, from, to) : halves(n, 3, from, to);
}

@inline
function halves(n: i32, dtype: i32, from: usize, to: usize): bool {
  let infinite = v128.splat<i32>(0);
  for (let i = 0; i < n; i += 8) {
    const a = v128.load(from);
    const b = v128.load(from, 16);
    const c = v128.load(from, 32);
    const d = v128.load(from, 48);
    let eight: v128;
    if (dtype == F16) {
      eight = v128.shuffle<u16>(toF16(a, b), toF16(c, d), 0, 2, 4, 6, 8, 10, 12, 14);
      const size = v128.and(eight, v128.splat<i16>(0x7fff));
      infinite = v128.or(infinite, v128.ge<i16>(size, v128.splat<i16>(0x7c00)));
    } else {
      let first = nearBF16(a, b);
      let second = nearBF16(c, d);
      if (v128.any_true(v128.or(subnormal(first), subnormal(second)))) {
        first = toBF16(a, b);
        second = toBF16(c, d);
      }
      eight = v128.shuffle<u16>(first, second, 1, 3, 5, 7, 9, 11, 13, 15);
      const size = v128.and(eight, v128.splat<i16>(0x7fff));
      infinite = v128.or(infinite, v128.ge<i16>(size, v128.splat<i16>(0x7f80)));
    }
    v128.store(to, eight);
    from += 64;
    to += 16;
  }
  return !v128.any_true(infinite);
}
