import { badPickle } from "./bad-pickle.ts";

/** The bytes of a pickle from one to the next; asking for more than there are is an error of the pickle. */
export interface PickleBytes {
  readonly at: number;
  byte(): number;
  /** Little-endian, without sign. */
  number(bytes: 2 | 4 | 8): number;
  int32(): number;
  /** Big-endian, as pickles have them. */
  float64(): number;
  /** Two's complement of any length, little-endian. */
  long(bytes: number): number;
  text(bytes: number): string;
  /** Up to the end of the line, which is passed over. */
  line(): string;
}

/** Most bytes of a whole number: what a float64 tells apart from its neighbours has eight at most. */
const MAX_LONG_BYTES = 8;

export function pickleBytes(bytes: Uint8Array, name: string): PickleBytes {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let at = 0;
  /** Passes over some bytes, and says where they start. */
  const pass = (count: number): number => {
    const start = at;
    if (!(count <= bytes.length - start)) {
      throw badPickle(
        name,
        `ends at byte ${bytes.length}, and byte ${start} asks for ${count} more.`,
      );
    }
    at += count;
    return start;
  };
  const text = (count: number): string => {
    const start = pass(count);
    try {
      return decoder.decode(bytes.subarray(start, start + count));
    } catch {
      throw badPickle(name, `has a text at byte ${start} that is not UTF-8.`);
    }
  };
  return {
    get at() {
      return at;
    },
    byte: () => view.getUint8(pass(1)),
    number: (count) => {
      const start = pass(count);
      if (count === 2) return view.getUint16(start, true);
      return count === 4 ? view.getUint32(start, true) : Number(view.getBigUint64(start, true));
    },
    int32: () => view.getInt32(pass(4), true),
    float64: () => view.getFloat64(pass(8), false),
    long: (count) => {
      const start = pass(count);
      let value = 0n;
      for (let i = count - 1; i >= 0 && count <= MAX_LONG_BYTES; i--) {
        value = (value << 8n) | BigInt(view.getUint8(start + i));
      }
      const signed = BigInt.asIntN(8 * Math.min(count, MAX_LONG_BYTES), value);
      if (count <= MAX_LONG_BYTES && Number.isSafeInteger(Number(signed))) return Number(signed);
      throw badPickle(
        name,
        `has a whole number of ${count} bytes beyond ±(2^53 − 1) at byte ${start}.`,
      );
    },
    text,
    line: () => {
      const end = bytes.indexOf(0x0a, at);
      if (end < 0) throw badPickle(name, `has a line from byte ${at} on that does not end.`);
      const found = text(end - at);
      at = end + 1;
      return found;
    },
  };
}
