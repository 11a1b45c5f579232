/** A map from pairs of whole numbers below 2³¹ to numbers from 0: merges by their halves, edges of a trie. */
export interface PairTable {
  /** The value of a pair, or −1. */
  get(left: number, right: number): number;
  set(left: number, right: number, value: number): void;
}

/** Open addressing in typed arrays: some hundred thousand merges are read in milliseconds. */
export function pairTable(expected: number): PairTable {
  let size = 16;
  while (size < expected * 2) size *= 2;
  let lefts = new Int32Array(size);
  let rights = new Int32Array(size);
  let values = new Int32Array(size).fill(-1);
  let used = 0;

  const slot = (left: number, right: number): number => {
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    let at = (hash ^ (hash >>> 13)) & (size - 1);
    while (values[at] !== -1 && (lefts[at] !== left || rights[at] !== right)) {
      at = (at + 1) & (size - 1);
    }
    return at;
  };
  const grow = (): void => {
    const old = { lefts, rights, values };
    size *= 2;
    lefts = new Int32Array(size);
    rights = new Int32Array(size);
    values = new Int32Array(size).fill(-1);
    for (const [index, value] of old.values.entries()) {
      if (value === -1) continue;
      const left = old.lefts[index] ?? 0;
      const right = old.rights[index] ?? 0;
      const at = slot(left, right);
      lefts[at] = left;
      rights[at] = right;
      values[at] = value;
    }
  };
  return {
    get: (left, right) => values[slot(left, right)] ?? -1,
    set: (left, right, value) => {
      if (used * 2 >= size) grow();
      const at = slot(left, right);
      if (values[at] === -1) used++;
      lefts[at] = left;
      rights[at] = right;
      values[at] = value;
    },
  };
}
