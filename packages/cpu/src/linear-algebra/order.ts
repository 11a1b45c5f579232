/** Indices of numbers, the largest first (or the smallest); equal ones in the order they stand in. */
export function sorted(values: Float64Array, direction: "ascending" | "descending"): Int32Array {
  const sign = direction === "ascending" ? 1 : -1;
  const at = (i: number): number => values[i] as number; // i < length
  return Int32Array.from(values.keys()).sort((i, j) => sign * (at(i) - at(j)) || i - j);
}

/**
 * Indices of complex numbers by descending absolute value, then descending real part, then descending absolute
 * imaginary part. Conjugate pairs, which stand together, are moved together.
 */
export function sortedPairs(re: Float64Array, im: Float64Array): Int32Array {
  const groups: { size: number; re: number; im: number; members: number[] }[] = [];
  for (let i = 0; i < re.length; i++) {
    const x = re[i] as number; // i < length, here and below
    const y = im[i] as number;
    const members = y === 0 ? [i] : [i, ++i];
    groups.push({ size: Math.hypot(x, y), re: x, im: Math.abs(y), members });
  }
  groups.sort((a, b) => b.size - a.size || b.re - a.re || b.im - a.im);
  return Int32Array.from(groups.flatMap(({ members }) => members));
}
