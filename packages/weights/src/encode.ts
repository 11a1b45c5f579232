import { checkHost, inexact, overflow } from "./decode.ts";
import type { Dtype } from "./dtype.ts";
import { narrowBF16, narrowF16 } from "./float16.ts";

/** The smallest and largest number of each whole-number dtype that a float64 tells apart from its neighbours. */
const WHOLE: Readonly<Partial<Record<Dtype, readonly [number, number]>>> = {
  I64: [-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  U64: [0, Number.MAX_SAFE_INTEGER],
  I32: [-(2 ** 31), 2 ** 31 - 1],
  U32: [0, 2 ** 32 - 1],
  I16: [-(2 ** 15), 2 ** 15 - 1],
  U16: [0, 2 ** 16 - 1],
  I8: [-128, 127],
  U8: [0, 255],
  BOOL: [0, 1],
};

/**
 * Numbers as a tensor's bytes. Floats are rounded to the nearest, ties to even; whole numbers must fit exactly.
 *
 * Throws `weights/overflow` for a finite number that would become infinite, `weights/inexact` for a number that
 * the whole-number dtype does not have.
 */
export function encodeNumbers(
  values: ArrayLike<number>,
  dtype: Dtype,
  name = "the tensor",
): Uint8Array<ArrayBuffer> {
  checkHost();
  const range = WHOLE[dtype];
  if (range !== undefined) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number; // i is in range
      if (!Number.isInteger(value) || value < range[0] || value > range[1]) {
        throw inexact(name, i, value, dtype);
      }
    }
  }
  const stored = store(values, dtype);
  if (range === undefined && dtype !== "F64") checkFinite(values, stored, dtype, name);
  return new Uint8Array(stored.buffer);
}

function store(
  values: ArrayLike<number>,
  dtype: Dtype,
): ArrayLike<unknown> & { buffer: ArrayBuffer } {
  switch (dtype) {
    case "F64":
      return new Float64Array(values);
    case "F32":
      return new Float32Array(values);
    case "F16":
      return narrowF16(values);
    case "BF16":
      return narrowBF16(values);
    case "I64":
      return BigInt64Array.from(values, (value) => BigInt(value));
    case "U64":
      return BigUint64Array.from(values, (value) => BigInt(value));
    case "I32":
      return new Int32Array(values);
    case "U32":
      return new Uint32Array(values);
    case "I16":
      return new Int16Array(values);
    case "U16":
      return new Uint16Array(values);
    case "I8":
      return new Int8Array(values);
    case "U8":
    case "BOOL":
      return new Uint8Array(values);
  }
}

/** No number below it becomes infinite. */
const SAFE: Readonly<Partial<Record<Dtype, number>>> = {
  F32: 2 ** 127,
  F16: 2 ** 15,
  BF16: 2 ** 127,
};

/** What ±Infinity looks like in the arrays of `store`. */
const INFINITE: Readonly<Partial<Record<Dtype, readonly [number, number]>>> = {
  F32: [Infinity, -Infinity],
  F16: [0x7c00, 0xfc00],
  BF16: [0x7f80, 0xff80],
};

function checkFinite(
  values: ArrayLike<number>,
  stored: ArrayLike<unknown>,
  dtype: Dtype,
  name: string,
): void {
  const [plus, minus] = INFINITE[dtype] ?? [Infinity, -Infinity];
  const safe = SAFE[dtype] ?? 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number; // i is in range
    if (Math.abs(value) < safe) continue;
    if ((stored[i] === plus || stored[i] === minus) && Number.isFinite(value)) {
      throw overflow(name, i, value, dtype);
    }
  }
}
