// 16-bit numbers as T, exactly: a bf16 is the upper half of an f32; an f16 (IEEE 754-2019, binary16) has a
// narrower exponent, and what is subnormal there is normal here.
import { bytes } from "./lanes";

/** Arguments, in the order src/half.ts writes them. */
@unmanaged
class Widen {
  out: usize;
  a: usize;
  /** 0: bf16, 1: f16. */
  half: i32;
}

/** 2⁻¹⁴, the smallest normal f16, as f32 bits; its exponent stands where a subnormal's would. */
const SMALLEST: i32 = 113 << 23;
/** What the exponents differ by. */
const SHIFT: i32 = 112 << 23;
/** From here on an f16, moved to its place in an f32, is infinite or no number. */
const INFINITE: i32 = 0x7c00 << 13;

/** Four f32 from four 16-bit numbers, each in the lower half of 32 bits. */
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

function oneF16(h: i32): f32 {
  const size = (h & 0x7fff) << 13;
  let bits = size + SHIFT;
  if (size >= INFINITE) bits += SHIFT;
  else if (size < 0x400 << 13) {
    bits = reinterpret<i32>(reinterpret<f32>(size + SMALLEST) - reinterpret<f32>(SMALLEST));
  }
  return reinterpret<f32>(((h & 0x8000) << 16) | bits);
}

/** Four f32, as T. */
@inline
function put<T>(at: usize, four: v128): void {
  if (sizeof<T>() == 4) v128.store(at, four);
  else {
    v128.store(at, f64x2.promote_low_f32x4(four));
    v128.store(at, f64x2.promote_low_f32x4(v128.shuffle<i64>(four, four, 1, 1)), 16);
  }
}

@inline
function entries<T>(f16: bool, job: Widen, from: i32, to: i32): void {
  let a = job.a + (<usize>from << 1);
  let out = job.out + bytes<T>(from);
  const zero = v128.splat<i32>(0);
  let i = from;
  for (; i + 8 <= to; i += 8) {
    const eight = v128.load(a);
    if (f16) {
      put<T>(out, fromF16(v128.extend_low<u16>(eight)));
      put<T>(out + 4 * sizeof<T>(), fromF16(v128.extend_high<u16>(eight)));
    } else {
      put<T>(out, v128.shuffle<u16>(zero, eight, 0, 8, 0, 9, 0, 10, 0, 11));
      put<T>(out + 4 * sizeof<T>(), v128.shuffle<u16>(zero, eight, 0, 12, 0, 13, 0, 14, 0, 15));
    }
    a += 16;
    out += 8 * sizeof<T>();
  }
  for (; i < to; i++) {
    const bits = <i32>load<u16>(a);
    store<T>(out, <T>(f16 ? oneF16(bits) : reinterpret<f32>(bits << 16)));
    a += 2;
    out += sizeof<T>();
  }
}

/** Entries `from ≤ i < to`. */
export function widen<T>(args: usize, from: i32, to: i32): void {
  const job = changetype<Widen>(args);
  if (job.half == 1) entries<T>(true, job, from, to);
  else entries<T>(false, job, from, to);
}
