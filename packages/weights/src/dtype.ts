/** How a tensor's entries are stored, in safetensors' names. All are little-endian. */
export type Dtype =
  | "F64"
  | "F32"
  | "F16"
  | "BF16"
  | "I64"
  | "I32"
  | "I16"
  | "I8"
  | "U64"
  | "U32"
  | "U16"
  | "U8"
  | "BOOL";

/** Bytes of one entry. The order is that in which the format's own writer lays tensors out. */
const BYTES: ReadonlyMap<string, number> = new Map<Dtype, number>([
  ["U64", 8],
  ["I64", 8],
  ["F64", 8],
  ["F32", 4],
  ["U32", 4],
  ["I32", 4],
  ["BF16", 2],
  ["F16", 2],
  ["U16", 2],
  ["I16", 2],
  ["I8", 1],
  ["U8", 1],
  ["BOOL", 1],
]);

/** The dtypes that are read and written, in the order in which they are laid out in a file. */
export const DTYPES: readonly Dtype[] = [...BYTES.keys()] as Dtype[]; // the keys were typed above

/** Whether a word names a dtype that is read and written here. */
export function isDtype(word: unknown): word is Dtype {
  return typeof word === "string" && BYTES.has(word);
}

/** Bytes of one entry: 4 for `F32`, 1 for `BOOL`. */
export function bytesPerEntry(dtype: Dtype): number {
  return BYTES.get(dtype) as number; // the map holds every Dtype
}

/** A count, offset or size that a file may hold: a whole number from 0 to 2^53 − 1. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && !Object.is(value, -0) && (value as number) >= 0; // a number: isSafeInteger
}

/** `shape` × bytes per entry, or undefined where that is above 2^53 − 1 at any step. */
export function tensorBytes(dtype: Dtype, shape: readonly number[]): number | undefined {
  let bytes = bytesPerEntry(dtype);
  for (const size of shape) {
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) return undefined;
  }
  return bytes;
}
