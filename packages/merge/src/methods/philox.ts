/**
 * Random numbers that depend on where they are used and on nothing before: Philox4x32-10 (Salmon et al. 2011, "Parallel
 * random numbers: as easy as 1, 2, 3").
 */

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** The upper 32 bits of a product of two unsigned words. */
function high(a: number, b: number): number {
  const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const other = a0 * b1 + (middle & 0xffff);
  return (a1 * b1 + Math.floor(middle / 65_536) + Math.floor(other / 65_536)) >>> 0;
}

/** Four words of 32 bits, into `out`. */
export function philox(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  key0: number,
  key1: number,
  out: Uint32Array,
): void {
  let [x0, x1, x2, x3, k0, k1] = [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0, key0 >>> 0, key1 >>> 0];
  for (let round = 0; round < 10; round++) {
    const h0 = high(M0, x0);
    const l0 = Math.imul(M0, x0);
    const h1 = high(M1, x2);
    const l1 = Math.imul(M1, x2);
    x0 = (h1 ^ x1 ^ k0) >>> 0;
    x1 = l1 >>> 0;
    x2 = (h0 ^ x3 ^ k1) >>> 0;
    x3 = l0 >>> 0;
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  out[0] = x0;
  out[1] = x1;
  out[2] = x2;
  out[3] = x3;
}

/** The words of the counter that a tensor's name gives: FNV-1a of 64 bits of it in UTF-8. */
export function drawKeys(text: string): { readonly low: number; readonly high: number } {
  let value = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    value = ((value ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return { low: Number(value & 0xffffffffn), high: Number(value >> 32n) };
}

/** Which random numbers are meant. */
export interface Draw {
  /** Of the whole merge; its lowest 32 bits count. */
  readonly seed: number;
  /** The name of the output tensor. */
  readonly tensor: string;
  /** Index of the model among the inputs that are no base. */
  readonly model: number;
}

/**
 * Uniform numbers from 0 to below 1, one an entry, from the entry `start` on (default 0), by its index: word `i mod 4` of Philox at the counter `(⌊i/4⌋, 0, lo, hi)`,
 * hi and lo the FNV-1a-64 of the tensor's name, under the key `(seed mod 2³², model)`, over 2³². So they depend neither on
 * threads, nor on shards, nor on where a run was resumed.
 */
export function uniform(
  { seed, tensor, model }: Draw,
  length: number,
  start = 0,
): Float64Array<ArrayBuffer> {
  const { low, high } = drawKeys(tensor);
  const words = new Uint32Array(4);
  const out = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const at = start + i;
    if (i === 0 || at % 4 === 0)
      philox(Math.floor(at / 4), 0, low, high, seed % 2 ** 32, model, words);
    out[i] = (words[at % 4] as number) / 2 ** 32; // four words
  }
  return out;
}
