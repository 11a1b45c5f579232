import { InputError } from "@resolvent/tensor";
import { bytesPerEntry, type Dtype, tensorBytes } from "./dtype.ts";
import { widenBF16, widenF16 } from "./float16.ts";

/** The array type of a precision: `Float32Array` for `f32`, `Float64Array` for `f64`. */
export interface NumbersOf {
  readonly f32: Float32Array<ArrayBuffer>;
  readonly f64: Float64Array<ArrayBuffer>;
}

/** The entries of a tensor as they are stored: little-endian, last axis fastest. */
export interface RawTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** The bytes as a buffer of their own that starts where a typed array may start; copied only where they do not. */
function aligned(bytes: Uint8Array, width: number): { buffer: ArrayBuffer; offset: number } {
  const { buffer, byteOffset } = bytes;
  if (buffer instanceof ArrayBuffer && byteOffset % width === 0) {
    return { buffer, offset: byteOffset };
  }
  const copy = new Uint8Array(bytes); // new memory, never shared
  return { buffer: copy.buffer, offset: 0 };
}

/** Throws `weights/big-endian-host` on a machine whose typed arrays are not little-endian. */
export function checkHost(): void {
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) {
    throw new InputError({
      code: "weights/big-endian-host",
      message: "Weights are little-endian, and this machine is big-endian.",
      remedy: "Run on a little-endian machine.",
    });
  }
}

/** `weights/inexact`: a whole number that would not stay itself. */
export function inexact(name: string, index: number, value: unknown, into: string): InputError {
  return new InputError({
    code: "weights/inexact",
    message: `${name}: entry ${index} is ${value}, which ${into} cannot hold exactly.`,
    remedy: "Whole numbers are never rounded: ask for f64, or read the raw bytes.",
    details: { name, index, value, into },
  });
}

/** `weights/overflow`: a finite number that would become infinite. */
export function overflow(name: string, index: number, value: number, into: string): InputError {
  return new InputError({
    code: "weights/overflow",
    message: `${name}: entry ${index} is ${value}, which becomes infinite in ${into}.`,
    remedy: "Use a wider type.",
    details: { name, index, value, into },
  });
}

/** 64-bit whole numbers as float64; those beyond ±(2^53 − 1) are refused. */
function widen64(bytes: Uint8Array, signed: boolean, name: string): Float64Array<ArrayBuffer> {
  const { buffer, offset } = aligned(bytes, 4);
  const words = new Uint32Array(buffer, offset, bytes.byteLength / 4);
  const out = new Float64Array(words.length / 2);
  for (let i = 0; i < out.length; i++) {
    const high = words[2 * i + 1] as number; // two words an entry
    const value = (signed ? high | 0 : high) * 4294967296 + (words[2 * i] as number);
    if (!Number.isSafeInteger(value)) {
      const exact = new DataView(buffer, offset + 8 * i, 8);
      const shown = signed ? exact.getBigInt64(0, true) : exact.getBigUint64(0, true);
      throw inexact(name, i, shown, "a float64 with every neighbour");
    }
    out[i] = value;
  }
  return out;
}

/** The entries as floats or small whole numbers, in the narrowest array that holds the dtype exactly. */
function plain(tensor: RawTensor, name: string): ArrayLike<number> & ArrayBufferView {
  const { dtype, bytes } = tensor;
  const width = bytesPerEntry(dtype);
  const length = bytes.byteLength / width;
  if (dtype === "I64" || dtype === "U64") return widen64(bytes, dtype === "I64", name);
  const { buffer, offset } = aligned(bytes, width);
  switch (dtype) {
    case "F64":
      return new Float64Array(buffer, offset, length);
    case "F32":
      return new Float32Array(buffer, offset, length);
    case "F16":
      return widenF16(new Uint16Array(buffer, offset, length));
    case "BF16":
      return widenBF16(new Uint16Array(buffer, offset, length));
    case "I32":
      return new Int32Array(buffer, offset, length);
    case "U32":
      return new Uint32Array(buffer, offset, length);
    case "I16":
      return new Int16Array(buffer, offset, length);
    case "U16":
      return new Uint16Array(buffer, offset, length);
    case "I8":
      return new Int8Array(buffer, offset, length);
    case "U8":
    case "BOOL":
      return new Uint8Array(buffer, offset, length);
  }
}

/**
 * A tensor's entries as floats: F16, BF16 and F32 exactly (NaN payloads too), F64 to the nearest float32 where
 * `f32` is asked, whole numbers exactly, BOOL as 0 and 1. The result may be a view of `tensor.bytes`.
 *
 * Throws `weights/inexact` for a whole number that the precision cannot hold, `weights/overflow` for a finite
 * F64 beyond float32, `weights/bad-bool` for a BOOL that is neither 0 nor 1, `weights/size-mismatch` for bytes
 * that are not as many as dtype and shape need.
 */
export function decodeNumbers<P extends keyof NumbersOf>(
  tensor: RawTensor,
  precision: P,
  name?: string,
): NumbersOf[P];
export function decodeNumbers(
  tensor: RawTensor,
  precision: keyof NumbersOf,
  name = "the tensor",
): NumbersOf[keyof NumbersOf] {
  checkHost();
  checkLength(tensor, name);
  const values = plain(tensor, name);
  if (tensor.dtype === "BOOL") checkBools(values, name);
  if (precision === "f64") {
    return isF64(values) ? values : new Float64Array(values);
  }
  if (isF32(values)) return values;
  const out = new Float32Array(values);
  const whole = !isF64(values) || tensor.dtype === "I64" || tensor.dtype === "U64";
  for (let i = 0; i < out.length; i++) {
    const value = values[i] as number; // same length
    if (out[i] === value) continue;
    if (whole) throw inexact(name, i, value, "a float32");
    if (out[i] === Infinity || out[i] === -Infinity) throw overflow(name, i, value, "a float32");
  }
  return out;
}

/**
 * `decodeNumbers` into memory at hand, an engine's say, whose type is the precision; F16 and BF16 go there without
 * a copy in between.
 *
 * Throws what `decodeNumbers` throws, `weights/size-mismatch` also where `out` has another length.
 */
export function decodeInto(
  tensor: RawTensor,
  out: Float32Array | Float64Array,
  name = "the tensor",
): void {
  const { dtype, bytes } = tensor;
  const count = bytes.byteLength / bytesPerEntry(dtype);
  checkRoom(count, out.length, name);
  if (out instanceof Float32Array && (dtype === "F16" || dtype === "BF16")) {
    checkHost();
    checkLength(tensor, name);
    const { buffer, offset } = aligned(bytes, 2);
    const bits = new Uint16Array(buffer, offset, count);
    if (dtype === "F16") widenF16(bits, out);
    else widenBF16(bits, out);
  } else {
    out.set(decodeNumbers(tensor, out instanceof Float32Array ? "f32" : "f64", name));
  }
}

/**
 * The bits of an F16 or BF16 tensor, as they are, into memory at hand.
 *
 * Throws `weights/size-mismatch` where `out` has another length, `weights/unsupported-dtype` for other dtypes.
 */
export function bitsInto(tensor: RawTensor, out: Uint16Array, name = "the tensor"): void {
  const { dtype, bytes } = tensor;
  checkHost();
  if (dtype !== "F16" && dtype !== "BF16") {
    throw new InputError({
      code: "weights/unsupported-dtype",
      message: `${name}: the bits of F16 or BF16 were asked for, and it is ${dtype}.`,
      remedy: "Decode it instead.",
      details: { name, dtype },
    });
  }
  checkLength(tensor, name);
  checkRoom(bytes.byteLength / 2, out.length, name);
  new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes);
}

function checkRoom(count: number, room: number, name: string): void {
  if (count === room) return;
  throw new InputError({
    code: "weights/size-mismatch",
    message: `${name}: ${count} entries do not fit where there is room for ${room}.`,
    remedy: "Give room for exactly the tensor's entries.",
    details: { name, expected: count, got: room },
  });
}

function checkLength({ dtype, shape, bytes }: RawTensor, name: string): void {
  const expected = tensorBytes(dtype, shape);
  if (expected === bytes.byteLength) return;
  throw new InputError({
    code: "weights/size-mismatch",
    message: `${name}: ${dtype} [${shape.join(", ")}] takes ${expected} bytes, got ${bytes.byteLength}.`,
    remedy: "Give dtype, shape and bytes of one tensor.",
    details: { name, dtype, shape, expected, got: bytes.byteLength },
  });
}

function isF64(values: unknown): values is Float64Array<ArrayBuffer> {
  return values instanceof Float64Array;
}

function isF32(values: unknown): values is Float32Array<ArrayBuffer> {
  return values instanceof Float32Array;
}

function checkBools(values: ArrayLike<number>, name: string): void {
  for (let i = 0; i < values.length; i++) {
    if ((values[i] as number) > 1) {
      throw new InputError({
        code: "weights/bad-bool",
        message: `${name}: entry ${i} of a BOOL tensor is ${values[i]}; expected 0 or 1.`,
        remedy: "The file is damaged, or its dtype is wrong.",
        details: { name, index: i, value: values[i] },
      });
    }
  }
}
