/** How a 16-bit number is to be read: bfloat16, or binary16 of IEEE 754-2019. */
export type Half = "bf16" | "f16";

const one = new Float32Array(1);
const word = new Uint32Array(one.buffer);

function ofBF16(bits: number): number {
  word[0] = bits << 16; // the upper half of a float32
  return one[0] as number; // one entry
}

function ofF16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** 16-bit numbers as floats, into `out`: exactly, since every one is a float32. The payload of a NaN may change. */
export function widenHalf<Into extends Float32Array | Float64Array>(
  bits: Uint16Array,
  half: Half,
  out: Into,
): Into {
  const of = half === "bf16" ? ofBF16 : ofF16;
  for (let i = 0; i < bits.length; i++) out[i] = of(bits[i] as number); // i is in range
  return out;
}
