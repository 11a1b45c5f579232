/**
 * Half-precision numbers as bits, in both directions and in bulk. All of it goes through the bits of a float32,
 * which holds every F16 and BF16 exactly. Node 20 has no Float16Array.
 */

const one32 = new Float32Array(1);
const oneBits = new Uint32Array(one32.buffer);

/** The float32 bits of every F16, filled on first use. */
let f16Table: Uint32Array | undefined;

function f16ToF32Bits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (mantissa << 13)) >>> 0;
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (mantissa << 13)) >>> 0;
  if (mantissa === 0) return sign >>> 0;
  // A subnormal: mantissa · 2^-24, a normal float32. Its leading bit becomes the implicit one.
  const shift = Math.clz32(mantissa) - 21;
  return (sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13)) >>> 0;
}

/**
 * F16 bits as float32, into `out` where it is given: exact, with subnormals, infinities and the payloads of NaNs.
 * Source: IEEE 754-2019, binary16 and binary32.
 */
export function widenF16<Into extends Float32Array = Float32Array<ArrayBuffer>>(
  bits: Uint16Array,
  out: Into = new Float32Array(bits.length) as Float32Array as Into, // the default of Into
): Into {
  f16Table ??= Uint32Array.from({ length: 65536 }, (_, half) => f16ToF32Bits(half));
  const table = f16Table;
  const words = new Uint32Array(out.buffer, out.byteOffset, bits.length);
  for (let i = 0; i < words.length; i++) words[i] = table[bits[i] as number] as number; // i is in range
  return out;
}

/** BF16 bits as float32, into `out` where it is given: exact, because a BF16 is the upper half of a float32. */
export function widenBF16<Into extends Float32Array = Float32Array<ArrayBuffer>>(
  bits: Uint16Array,
  out: Into = new Float32Array(bits.length) as Float32Array as Into, // the default of Into
): Into {
  const words = new Uint32Array(out.buffer, out.byteOffset, bits.length);
  for (let i = 0; i < words.length; i++) words[i] = (bits[i] as number) << 16; // i is in range
  return out;
}

/**
 * The float32 bits of `x` rounded to odd: toward zero, with the last bit set where anything was cut off.
 * Rounding that to a format with at least two bits less gives what rounding `x` itself would have given,
 * which rounding to nearest twice does not (Boldo and Melquiond 2008, "Emulation of a FMA and correctly
 * rounded sums").
 */
function oddF32Bits(x: number): number {
  one32[0] = x;
  const near = one32[0] as number; // one entry
  const bits = oneBits[0] as number;
  if (near === x || Number.isNaN(near)) return bits;
  const cut = Math.abs(near) > Math.abs(x) ? bits - 1 : bits;
  return (cut | 1) >>> 0;
}

function toF16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00 | ((size >>> 13) & 0x3ff); // NaN, made quiet
  if (size >= 0x47800000) return sign | 0x7c00; // 2^16 and above
  if (size >= 0x38800000) {
    // Normal: the carry of the rounding may run into the exponent, and from the largest to infinity.
    return sign | ((size + 0xfff + ((size >>> 13) & 1) - 0x38000000) >>> 13);
  }
  if (size < 0x33000000) return sign; // below 2^-25, half of the smallest subnormal
  const shift = 126 - (size >>> 23);
  const mantissa = (size & 0x7fffff) | 0x800000;
  const whole = mantissa >>> shift;
  const rest = mantissa - (whole << shift);
  const half = 1 << (shift - 1);
  return sign | (whole + (rest > half || (rest === half && (whole & 1) === 1) ? 1 : 0));
}

function toBF16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40; // NaN, made quiet
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** Numbers as F16 bits, rounded to nearest, ties to even; from 65520 on they are infinite. */
export function narrowF16(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const out = new Uint16Array(values.length);
  const near = new Uint32Array(new Float32Array(values).buffer);
  for (let i = 0; i < out.length; i++) {
    const bits = near[i] as number; // same length
    const size = bits & 0x7fffffff;
    const normal = size >= 0x38800000 && size < 0x47800000;
    // Rounding twice goes wrong only where the first lands in the middle between two F16.
    const once = normal && (bits & 0x1fff) !== 0x1000;
    out[i] = toF16(once ? bits : oddF32Bits(values[i] as number));
  }
  return out;
}

/** Numbers as BF16 bits, rounded to nearest, ties to even. */
export function narrowBF16(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const out = new Uint16Array(values.length);
  const near = new Uint32Array(new Float32Array(values).buffer);
  for (let i = 0; i < out.length; i++) {
    const bits = near[i] as number; // same length
    // Rounding twice goes wrong only where the first lands in the middle between two BF16.
    out[i] = toBF16((bits & 0xffff) !== 0x8000 ? bits : oddF32Bits(values[i] as number));
  }
  return out;
}
