/** Digits of 16 bits, the highest first: of the upper word of a float64, then of the lower. */
const DIGITS = [
  { word: 1, shift: 16 },
  { word: 1, shift: 0 },
  { word: 0, shift: 16 },
  { word: 0, shift: 0 },
];

/** Which entries of the next piece are chosen, one byte an entry; pieces are asked for in order, each once. */
export type Chooser = (piece: Float64Array) => Uint8Array<ArrayBuffer>;

/**
 * The `k` largest of many entries by magnitude, of equal ones those of lower index, of entries that come in pieces.
 *
 * By digits of the numbers' bits, which for magnitudes are in the order of the numbers: four passes over all pieces,
 * whatever they are. A pass gives each piece to `add`, and ends with `next`, until it is `done`.
 */
export class Selection {
  readonly #found = new Uint32Array(2);
  readonly #masks = new Uint32Array(2);
  readonly #all: boolean;
  #rank: number;
  #pass: number;
  #counts = new Uint32Array(65_536);

  constructor(k: number, entries: number) {
    this.#rank = k;
    this.#all = k >= entries;
    this.#pass = k <= 0 || this.#all ? DIGITS.length : 0;
  }

  get done(): boolean {
    return this.#pass >= DIGITS.length;
  }

  add(piece: Float64Array): void {
    const digit = DIGITS[this.#pass];
    if (digit === undefined) return;
    const { word, shift } = digit;
    const counts = this.#counts;
    const [lowFound = 0, highFound = 0] = this.#found;
    const [lowMask = 0, highMask = 0] = this.#masks;
    const words = new Uint32Array(piece.buffer, piece.byteOffset, 2 * piece.length);
    for (let i = 0; i < words.length; i += 2) {
      const low = words[i] as number; // two words an entry
      const high = (words[i + 1] as number) & 0x7fffffff; // without the sign
      if (((high ^ highFound) & highMask) !== 0 || ((low ^ lowFound) & lowMask) !== 0) continue;
      const at = ((word === 1 ? high : low) >>> shift) & 0xffff;
      counts[at] = (counts[at] as number) + 1;
    }
  }

  next(): void {
    const digit = DIGITS[this.#pass++];
    if (digit === undefined) return;
    const { word, shift } = digit;
    let value = 65_535;
    while (value > 0 && (this.#counts[value] as number) < this.#rank) {
      this.#rank -= this.#counts[value--] as number;
    }
    this.#found[word] = (this.#found[word] as number) | (value << shift); // two words
    this.#masks[word] = (this.#masks[word] as number) | (0xffff << shift);
    this.#counts = new Uint32Array(65_536);
  }

  /** After the last pass: chooses among the pieces, from the first on. */
  chooser(): Chooser {
    if (this.#all) return (piece) => new Uint8Array(piece.length).fill(1);
    if (this.#rank <= 0) return (piece) => new Uint8Array(piece.length);
    const size = new Float64Array(this.#found.buffer)[0] as number; // one number
    let left = this.#rank;
    return (piece) => {
      const chosen = new Uint8Array(piece.length);
      for (let i = 0; i < piece.length; i++) {
        const own = Math.abs(piece[i] as number); // i is in range
        if (own > size) chosen[i] = 1;
        else if (own === size && left > 0) {
          chosen[i] = 1;
          left--;
        }
      }
      return chosen;
    };
  }
}

/** Which entries are the `k` largest by magnitude, of equal ones those of lower index. */
export function largest(x: Float64Array, k: number): Uint8Array<ArrayBuffer> {
  const selection = new Selection(k, x.length);
  while (!selection.done) {
    selection.add(x);
    selection.next();
  }
  return selection.chooser()(x);
}
