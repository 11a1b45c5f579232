// exp, log, erfc and the gates on vectors. f32 follows mostly Cephes' and fdlibm's single-precision forms, f64 their
// double-precision forms; the errors found in tests are at most 2 units in the last place for exp and log.
import { madd } from "./lanes";

@inline
function splat<T>(x: f64): v128 {
  return v128.splat<T>(<T>x);
}

/** `a·x + b` with constants. */
@inline
function step<T>(a: v128, x: v128, b: f64): v128 {
  return madd<T>(a, x, splat<T>(b));
}

/** 2ⁿ for whole n in the range of normal numbers: n + bias goes to the low bits of a large number, then up. */
@inline
function power2<T>(n: v128): v128 {
  return shifted<T>(v128.add<T>(n, splat<T>(sizeof<T>() == 4 ? SINGLE : DOUBLE)));
}

/** 1.5·2²³ and 1.5·2⁵² with the bias of exponents: a number added to them is rounded to a whole one in the low bits. */
const SINGLE: f64 = 12583039;
const DOUBLE: f64 = 6755399441056767;

/** The low bits of a large number as the exponent. */
@inline
function shifted<T>(large: v128): v128 {
  return sizeof<T>() == 4 ? i32x4.shl(large, 23) : i64x2.shl(large, 52);
}

/** `x` where it is between `low` and `high`; NaN stays. Unlike min and max, one instruction each on x64. */
@inline
function within<T>(x: v128, low: f64, high: f64): v128 {
  return v128.pmin<T>(v128.pmax<T>(x, splat<T>(low)), splat<T>(high));
}

/** x / ln 2, rounded, in the low bits of a large number. */
@inline
function exponent<T>(x: v128): v128 {
  return madd<T>(x, splat<T>(1.4426950408889634), splat<T>(sizeof<T>() == 4 ? SINGLE : DOUBLE));
}

/** The large number's n. */
@inline
function whole<T>(large: v128): v128 {
  return v128.sub<T>(large, splat<T>(sizeof<T>() == 4 ? SINGLE : DOUBLE));
}

/** e^(x − n·ln 2) for n next to x / ln 2. f32: the best polynomial of degree 6, error 3e-9. */
@inline
function reduced<T>(x: v128, n: v128): v128 {
  if (sizeof<T>() == 4) {
    let r = v128.sub<T>(x, v128.mul<T>(n, splat<T>(0.693359375)));
    r = v128.sub<T>(r, v128.mul<T>(n, splat<T>(-2.12194440e-4)));
    let y = splat<T>(1.381446685e-03);
    y = step<T>(y, r, 8.368780418e-03);
    y = step<T>(y, r, 4.166839422e-02);
    y = step<T>(y, r, 1.666652011e-01);
    y = step<T>(y, r, 4.999999341e-01);
    return v128.add<T>(madd<T>(y, v128.mul<T>(r, r), r), splat<T>(1));
  }
  let r = v128.sub<T>(x, v128.mul<T>(n, splat<T>(6.93145751953125e-1)));
  r = v128.sub<T>(r, v128.mul<T>(n, splat<T>(1.42860682030941723212e-6)));
  const z = v128.mul<T>(r, r);
  let p = splat<T>(1.26177193074810590878e-4);
  p = step<T>(p, z, 3.02994407707441961300e-2);
  p = step<T>(p, z, 9.99999999999999999910e-1);
  p = v128.mul<T>(p, r);
  let q = splat<T>(3.00198505138664455042e-6);
  q = step<T>(q, z, 2.52448340349684104192e-3);
  q = step<T>(q, z, 2.27265548208155028766e-1);
  q = step<T>(q, z, 2.0);
  const t = v128.div<T>(p, v128.sub<T>(q, p));
  return v128.add<T>(v128.add<T>(t, t), splat<T>(1));
}

/** eˣ, with denormal results and ±∞ as they should be. */
@inline
export function exp<T>(x: v128): v128 {
  const single = sizeof<T>() == 4;
  x = within<T>(x, single ? -104 : -746, single ? 89 : 710);
  const n = whole<T>(exponent<T>(x));
  // In two factors, because 2ⁿ alone leaves the range at both ends.
  const half = v128.floor<T>(v128.mul<T>(n, splat<T>(0.5)));
  return v128.mul<T>(v128.mul<T>(reduced<T>(x, n), power2<T>(half)), power2<T>(v128.sub<T>(n, half)));
}

/** eˣ to be added to 1 or more: 0 where it would be denormal, ∞ from half the largest number on. */
@inline
export function expTerm<T>(x: v128): v128 {
  const single = sizeof<T>() == 4;
  x = within<T>(x, single ? -88 : -709, single ? 89 : 710);
  const large = exponent<T>(x);
  // 2ⁿ is 0 and ∞ at the two ends.
  return v128.mul<T>(reduced<T>(x, whole<T>(large)), shifted<T>(large));
}

/** ln x; −∞ at 0, NaN below. */
@inline
export function log<T>(x: v128): v128 {
  const single = sizeof<T>() == 4;
  // Denormals are scaled into the normal range first.
  const tiny = v128.lt<T>(x, splat<T>(single ? 1.17549435e-38 : 2.2250738585072014e-308));
  const scaled = v128.bitselect(v128.mul<T>(x, splat<T>(single ? 33554432 : 18014398509481984)), x, tiny);
  // Mantissa in [√½, √2): subtract the bits of √½, take the exponent, put the bits back.
  let k: v128;
  let m: v128;
  if (single) {
    const bits = i32x4.sub(scaled, i32x4.splat(0x3f3504f3));
    k = f32x4.convert_i32x4_s(i32x4.shr_s(bits, 23));
    m = i32x4.add(v128.and(bits, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3));
  } else {
    const bits = i64x2.sub(scaled, i64x2.splat(0x3fe6a09e667f3bcd));
    // A whole number in the low bits of 1.5·2⁵², which is then taken away.
    const magic = splat<T>(6755399441055744);
    k = v128.sub<T>(i64x2.add(i64x2.shr_s(bits, 52), magic), magic);
    m = i64x2.add(v128.and(bits, i64x2.splat(0x000fffffffffffff)), i64x2.splat(0x3fe6a09e667f3bcd));
  }
  k = v128.sub<T>(k, v128.and(tiny, splat<T>(single ? 25 : 54)));
  const f = v128.sub<T>(m, splat<T>(1));
  const s = v128.div<T>(f, v128.add<T>(f, splat<T>(2)));
  const z = v128.mul<T>(s, s);
  let r: v128;
  if (single) {
    r = splat<T>(0.24279078841);
    r = step<T>(r, z, 0.28498786688);
    r = step<T>(r, z, 0.40000972152);
    r = step<T>(r, z, 0.66666662693);
  } else {
    r = splat<T>(1.479819860511658591e-1);
    r = step<T>(r, z, 1.531383769920937332e-1);
    r = step<T>(r, z, 1.818357216161805012e-1);
    r = step<T>(r, z, 2.222219843214978396e-1);
    r = step<T>(r, z, 2.857142874366239149e-1);
    r = step<T>(r, z, 3.999999999940941908e-1);
    r = step<T>(r, z, 6.666666666666735130e-1);
  }
  r = v128.mul<T>(r, z);
  const h = v128.mul<T>(v128.mul<T>(f, f), splat<T>(0.5));
  let y = v128.mul<T>(s, v128.add<T>(h, r));
  y = madd<T>(k, splat<T>(single ? 9.0580006145e-6 : 1.90821492927058770002e-10), y);
  y = v128.sub<T>(f, v128.sub<T>(h, y));
  y = madd<T>(k, splat<T>(single ? 6.9313812256e-1 : 6.93147180369123816490e-1), y);
  y = v128.bitselect(splat<T>(-Infinity), y, v128.eq<T>(x, splat<T>(0)));
  y = v128.bitselect(x, y, v128.eq<T>(x, splat<T>(Infinity)));
  // Not ≥ 0 also holds for NaN.
  return v128.bitselect(y, splat<T>(NaN), v128.ge<T>(x, splat<T>(0)));
}

/** 1 / (1 + eˣ), which is σ(−x). */
@inline
export function sigmoidOfMinus<T>(x: v128): v128 {
  const one = splat<T>(1);
  return v128.div<T>(one, v128.add<T>(one, expTerm<T>(x)));
}

/** ½(1 + erf(z/√2)), the gate of GELU. */
@inline
export function geluGate<T>(z: v128): v128 {
  if (sizeof<T>() == 4) {
    const x = v128.mul<T>(z, splat<T>(0.7071067811865476));
    return madd<T>(erfSingle(x), splat<T>(0.5), splat<T>(0.5));
  }
  return v128.mul<T>(erfcDouble(v128.mul<T>(z, splat<T>(-0.7071067811865476))), splat<T>(0.5));
}

/** erf in f32, error below 1e-7: the rational function of Eigen's generic_fast_erf on |x| ≤ 4. */
function erfSingle(x: v128): v128 {
  x = within<f32>(x, -4, 4);
  const z = f32x4.mul(x, x);
  let p = f32x4.splat(-2.72614225801306e-10);
  p = step<f32>(p, z, 2.77068142495902e-8);
  p = step<f32>(p, z, -2.10102402082508e-6);
  p = step<f32>(p, z, -5.69250639462346e-5);
  p = step<f32>(p, z, -7.34990630326855e-4);
  p = step<f32>(p, z, -2.95459980854025e-3);
  p = step<f32>(p, z, -1.60960333262415e-2);
  let q = f32x4.splat(-1.45660718464996e-5);
  q = step<f32>(q, z, -2.13374055278905e-4);
  q = step<f32>(q, z, -1.68282697438203e-3);
  q = step<f32>(q, z, -7.37332916720468e-3);
  q = step<f32>(q, z, -1.42647390514189e-2);
  return f32x4.div(f32x4.mul(x, p), q);
}

/** erfc in f64: W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969). */
function erfcDouble(x: v128): v128 {
  const y = f64x2.abs(x);
  const near = f64x2.le(y, f64x2.splat(0.46875));
  let inside = y;
  let outside = y;
  if (v128.any_true(near)) {
    const z = f64x2.mul(x, x);
    let p = f64x2.splat(0.185777706184603153);
    p = step<f64>(p, z, 3.1611237438705656);
    p = step<f64>(p, z, 113.864154151050156);
    p = step<f64>(p, z, 377.485237685302021);
    p = step<f64>(p, z, 3209.37758913846947);
    let q = f64x2.add(z, f64x2.splat(23.6012909523441209));
    q = step<f64>(q, z, 244.024637934444173);
    q = step<f64>(q, z, 1282.61652607737228);
    q = step<f64>(q, z, 2844.23683343917062);
    inside = f64x2.sub(f64x2.splat(1), f64x2.div(f64x2.mul(x, p), q));
    if (i64x2.all_true(near)) return inside;
  }
  const middle = f64x2.le(y, f64x2.splat(4));
  let p = f64x2.splat(2.15311535474403846e-8);
  p = step<f64>(p, y, 0.564188496988670089);
  p = step<f64>(p, y, 8.88314979438837594);
  p = step<f64>(p, y, 66.1191906371416295);
  p = step<f64>(p, y, 298.635138197400131);
  p = step<f64>(p, y, 881.95222124176909);
  p = step<f64>(p, y, 1712.04761263407058);
  p = step<f64>(p, y, 2051.07837782607147);
  p = step<f64>(p, y, 1230.33935479799725);
  let q = f64x2.add(y, f64x2.splat(15.7449261107098347));
  q = step<f64>(q, y, 117.693950891312499);
  q = step<f64>(q, y, 537.181101862009858);
  q = step<f64>(q, y, 1621.38957456669019);
  q = step<f64>(q, y, 3290.79923573345963);
  q = step<f64>(q, y, 4362.61909014324716);
  q = step<f64>(q, y, 3439.36767414372164);
  q = step<f64>(q, y, 1230.33935480374942);
  outside = f64x2.div(p, q);
  if (!i64x2.all_true(middle)) {
    const z = f64x2.div(f64x2.splat(1), f64x2.mul(y, y));
    let r = f64x2.splat(0.0163153871373020978);
    r = step<f64>(r, z, 0.305326634961232344);
    r = step<f64>(r, z, 0.360344899949804439);
    r = step<f64>(r, z, 0.125781726111229246);
    r = step<f64>(r, z, 0.0160837851487422766);
    r = step<f64>(r, z, 6.58749161529837803e-4);
    let s = f64x2.add(z, f64x2.splat(2.56852019228982242));
    s = step<f64>(s, z, 1.87295284992346047);
    s = step<f64>(s, z, 0.527905102951428412);
    s = step<f64>(s, z, 0.0605183413124413191);
    s = step<f64>(s, z, 2.33520497626869185e-3);
    r = f64x2.div(f64x2.mul(z, r), s);
    r = f64x2.div(f64x2.sub(f64x2.splat(0.5641895835477563), r), y);
    outside = v128.bitselect(outside, r, middle);
  }
  // e^(−y²) in two factors, so that the square's rounding error does not enter. Beyond 27 it is 0 in any case;
  // the bound keeps ∞ − ∞ away.
  const bounded = f64x2.min(y, f64x2.splat(30));
  const head = f64x2.mul(f64x2.trunc(f64x2.mul(bounded, f64x2.splat(16))), f64x2.splat(0.0625));
  const tail = f64x2.mul(f64x2.sub(head, bounded), f64x2.add(bounded, head));
  outside = f64x2.mul(outside, exp<f64>(f64x2.neg(f64x2.mul(head, head))));
  outside = f64x2.mul(outside, exp<f64>(tail));
  outside = v128.bitselect(
    f64x2.sub(f64x2.splat(2), outside), outside, f64x2.lt(x, f64x2.splat(0)),
  );
  return v128.bitselect(inside, outside, near);
}
