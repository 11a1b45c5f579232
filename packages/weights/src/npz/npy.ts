import { InputError } from "@resolvent/tensor";
import { type Dtype, isCount, tensorBytes } from "../dtype.ts";
import { MAX_NPY_HEADER_BYTES, MAX_RANK } from "../limits.ts";

/** What an npy file says of its array. */
export interface NpyHeader {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Whether the first axis is fastest in memory, as in Fortran. */
  readonly fortran: boolean;
  /** Where the numbers start. */
  readonly dataStart: number;
}

/** numpy's names of dtypes, without the byte order. */
const DTYPES: ReadonlyMap<string, Dtype> = new Map<string, Dtype>([
  ["f8", "F64"],
  ["f4", "F32"],
  ["f2", "F16"],
  ["i8", "I64"],
  ["i4", "I32"],
  ["i2", "I16"],
  ["i1", "I8"],
  ["u8", "U64"],
  ["u4", "U32"],
  ["u2", "U16"],
  ["u1", "U8"],
  ["b1", "BOOL"],
]);

/** `\x93NUMPY`, and the version. */
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** Bytes from which the length of the header is known, in every version. */
export const NPY_PREFIX_BYTES = 12;

function badNpy(name: string, says: string, details: object = {}): InputError {
  return new InputError({
    code: "weights/bad-npy",
    message: `${name}: the array ${says}`,
    remedy: "The file is damaged or was not written by numpy: fetch it again.",
    details: { name, ...details },
  });
}

/** Where the header of an npy file starts and ends, from the file's first bytes. */
export function npyHeaderPlace(
  prefix: Uint8Array,
  name: string,
): { readonly start: number; readonly end: number } {
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  if (prefix.length < 10 || MAGIC.some((byte, i) => prefix[i] !== byte)) {
    throw badNpy(name, "does not start as an npy file does.");
  }
  const version = view.getUint8(6);
  if (version < 1 || version > 3) throw badNpy(name, `is of version ${version}; 1 to 3 are read.`);
  if (version > 1 && prefix.length < NPY_PREFIX_BYTES) throw badNpy(name, "is cut off.");
  const start = version === 1 ? 10 : NPY_PREFIX_BYTES;
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length <= MAX_NPY_HEADER_BYTES) return { start, end: start + length };
  throw badNpy(name, `has a header of ${length} bytes; the limit is ${MAX_NPY_HEADER_BYTES}.`, {
    length,
    limit: MAX_NPY_HEADER_BYTES,
  });
}

/** A Python dict of three keys, as numpy writes it. */
const KEYS = /^\{\s*(.*?),?\s*\}\s*$/s;
const FIELD =
  /'(descr|fortran_order|shape)'\s*:\s*('[^'\\]*'|True|False|\([\d,\sL]*\)|\[[^[\]]*\])\s*(?:,\s*|$)/y;

function fieldsOf(text: string, name: string): Map<string, string> {
  const inner = KEYS.exec(text)?.[1];
  const fields = new Map<string, string>();
  for (let at = 0; inner !== undefined && at < inner.length; at = FIELD.lastIndex) {
    FIELD.lastIndex = at;
    const [, key, value] = FIELD.exec(inner) ?? [];
    if (key === undefined || value === undefined || fields.has(key)) break;
    fields.set(key, value);
  }
  const rest = inner?.slice(FIELD.lastIndex) ?? "";
  if (fields.size === 3 && rest === "") return fields;
  throw badNpy(name, "has a header that is not a dict of descr, fortran_order and shape.");
}

function dtypeOf(descr: string, name: string): Dtype {
  const [, order = "", kind = ""] = /^'([<>=|]?)(.*)'$/.exec(descr) ?? [];
  const dtype = DTYPES.get(kind);
  if (dtype !== undefined && (order === "<" || (order === "|" && kind.endsWith("1")))) return dtype;
  const isObject = kind.startsWith("O");
  throw new InputError({
    code: "weights/unsupported-dtype",
    message: `${name}: the array has the dtype ${descr.slice(0, 60)}; little-endian floats, whole numbers and booleans are read.`,
    remedy: isObject
      ? "Objects are a pickle, which is not run: save the arrays themselves."
      : "Convert it with astype, and save it again.",
    details: { name, descr },
  });
}

/**
 * Reads the header of an npy file: numpy's format 1.0 to 3.0.
 *
 * Throws `weights/bad-npy`, `weights/unsupported-dtype`, `weights/size-mismatch`.
 *
 * @param size bytes of the whole file
 */
export function parseNpyHeader(
  text: string,
  dataStart: number,
  { name, size }: { readonly name: string; readonly size: number },
): NpyHeader {
  const fields = fieldsOf(text, name);
  const [descr = "", order, sizes = ""] = ["descr", "fortran_order", "shape"].map((key) =>
    fields.get(key),
  );
  const dtype = dtypeOf(descr, name);
  const entries = sizes
    .slice(1, -1)
    .split(",")
    .map((entry) => entry.trim().replace(/L$/, ""));
  if (entries.at(-1) === "") entries.pop(); // `(8,)` and `()`
  const shape = entries.map((entry) => (/^\d+$/.test(entry) ? Number(entry) : Number.NaN));
  const whole = sizes.startsWith("(") && shape.length <= MAX_RANK && shape.every(isCount);
  if (!whole || (order !== "True" && order !== "False")) {
    throw badNpy(name, `has the shape ${sizes.slice(0, 60)} and the order ${order?.slice(0, 60)}.`);
  }
  const bytes = tensorBytes(dtype, shape);
  if (bytes === size - dataStart) return { dtype, shape, fortran: order === "True", dataStart };
  throw new InputError({
    code: "weights/size-mismatch",
    message: `${name}: ${dtype} [${shape.join(", ")}] takes ${bytes ?? "more than 2^53"} bytes, got ${size - dataStart}.`,
    remedy: "The file is damaged or cut off: fetch it again.",
    details: { name, dtype, shape, expected: bytes, got: size - dataStart },
  });
}
