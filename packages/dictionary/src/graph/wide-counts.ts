/**
 * A whole number of any size for each node, as digits to the base 2³²: `[digit][node]`. Numbers of paths are added
 * millions of times, for which bigints are ten times as slow.
 */
export type WideCounts = readonly Float64Array[];

const BASE = 2 ** 32;

/** Brings all digits below the base again. Sums of up to 2²¹ digits are exact, more than there are nodes. */
export function carried(sums: WideCounts): WideCounts {
  const digits = [...sums];
  for (let digit = 0; digit < digits.length; digit++) {
    const row = Float64Array.from(digits[digit] ?? []);
    digits[digit] = row;
    for (let i = 0; i < row.length; i++) {
      const value = row[i] ?? 0;
      if (value < BASE) continue;
      const next = digits[digit + 1] ?? new Float64Array(row.length);
      digits[digit + 1] = next;
      const over = Math.floor(value / BASE);
      row[i] = value - over * BASE;
      next[i] = (next[i] ?? 0) + over;
    }
  }
  return digits;
}

export function countAt(counts: WideCounts, at: number): bigint {
  return counts.reduceRight((so, row) => (so << 32n) + BigInt(row[at] ?? 0), 0n);
}
