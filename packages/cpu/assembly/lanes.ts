// Helpers over 128-bit vectors of T, which is f32 (4 lanes) or f64 (2 lanes).

/** Numbers in one vector. */
@inline
export function lanes<T>(): i32 {
  return <i32>(16 / sizeof<T>());
}

/** Bytes of `count` numbers. */
@inline
export function bytes<T>(count: i32): usize {
  return <usize>count * sizeof<T>();
}

@inline
export function zero<T>(): v128 {
  return v128.splat<T>(<T>0);
}

/** `a·b + c`; one rounding where the build has relaxed SIMD and the machine has FMA, else two. */
@inline
export function madd<T>(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_madd<T>(a, b, c);
  return v128.add<T>(v128.mul<T>(a, b), c);
}

/** Sum of the lanes, in a fixed order. */
@inline
export function total<T>(v: v128): T {
  if (sizeof<T>() == 4) {
    return <T>(
      (f32x4.extract_lane(v, 0) +
        f32x4.extract_lane(v, 1) +
        (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3)))
    );
  }
  return <T>(f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1));
}

/** Largest lane. */
@inline
export function largest<T>(v: v128): T {
  if (sizeof<T>() == 4) {
    return <T>(
      max<f32>(
        max<f32>(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
        max<f32>(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
      )
    );
  }
  return <T>max<f64>(f64x2.extract_lane(v, 0), f64x2.extract_lane(v, 1));
}

/** The first `count` numbers at `at`, fewer than a vector, the other lanes 0. */
@inline
export function loadSome<T>(at: usize, count: i32): v128 {
  if (sizeof<T>() == 8) return v128.load64_zero(at);
  if (count == 1) return v128.load32_zero(at);
  if (count == 2) return v128.load64_zero(at);
  return v128.load32_lane(at + 8, v128.load64_zero(at), 2);
}

/** Stores the first `count` lanes, fewer than a vector. */
@inline
export function storeSome<T>(at: usize, v: v128, count: i32): void {
  if (sizeof<T>() == 8 || count >= 2) v128.store64_lane(at, v, 0);
  if (sizeof<T>() == 4) {
    if (count == 1) v128.store32_lane(at, v, 0);
    if (count == 3) v128.store32_lane(at + 8, v, 2);
  }
}
