/** Digits of 16 bits, the highest first: of the upper word of a float64, then of the lower. */
const DIGITS = [
  { word: 1, shift: 16 },
  { word: 1, shift: 0 },
  { word: 0, shift: 16 },
  { word: 0, shift: 0 },
];

/**
 * Which entries are the `k` largest by magnitude; of equal ones those of lower index. One byte an entry, 1 where it is.
 *
 * By digits of the numbers' bits, which for magnitudes are in the order of the numbers: four passes, whatever they are.
 */
export function largest(x: Float64Array, k: number): Uint8Array<ArrayBuffer> {
  const chosen = new Uint8Array(x.length);
  if (k <= 0) return chosen;
  if (k >= x.length) return chosen.fill(1);
  const { size, equal } = cut(x, k);
  let left = equal;
  for (let i = 0; i < x.length; i++) {
    const own = Math.abs(x[i] as number); // i is in range
    if (own > size) chosen[i] = 1;
    else if (own === size && left > 0) {
      chosen[i] = 1;
      left--;
    }
  }
  return chosen;
}

/** The magnitude of the k-th largest, and how many of its size are among the first k. */
function cut(x: Float64Array, k: number): { readonly size: number; readonly equal: number } {
  const words = new Uint32Array(x.buffer, x.byteOffset, 2 * x.length);
  const found = new Uint32Array(2);
  const masks = new Uint32Array(2);
  let rank = k;
  for (const { word, shift } of DIGITS) {
    const counts = new Uint32Array(65_536);
    for (let i = 0; i < words.length; i += 2) {
      const high = (words[i + 1] as number) & 0x7fffffff; // without the sign
      const low = words[i] as number; // two words an entry
      if (((high ^ (found[1] as number)) & (masks[1] as number)) !== 0) continue;
      if (((low ^ (found[0] as number)) & (masks[0] as number)) !== 0) continue;
      const at = ((word === 1 ? high : low) >>> shift) & 0xffff;
      counts[at] = (counts[at] as number) + 1;
    }
    let digit = 65_535;
    while (digit > 0 && (counts[digit] as number) < rank) rank -= counts[digit--] as number;
    found[word] = (found[word] as number) | (digit << shift);
    masks[word] = (masks[word] as number) | (0xffff << shift);
  }
  return { size: new Float64Array(found.buffer)[0] as number, equal: rank }; // one number
}
