import { normOf } from "@resolvent/analysis";
import { plus } from "../stream-numbers.ts";

/**
 * Limits that a sequence of vectors tends to, or, where it diverges, its anti-limits: Wynn's vector ε-algorithm
 * (1962), which on partial sums of a power series gives its diagonal vector Padé approximants (Graves-Morris 1983),
 * all entries with one denominator.
 *
 *     ε_{j+1}^{(m)} = ε_{j−1}^{(m+1)} + (ε_j^{(m+1)} − ε_j^{(m)})⁻¹,   v⁻¹ = v / ‖v‖²
 *
 * @param sums `S_0 … S_K`
 * @returns for each `k` the estimate of highest even index from `S_0 … S_k`; where a difference vanishes or
 *   overflows, from the columns before it
 */
export function vectorEpsilon(sums: readonly Float64Array[]): Float64Array[] {
  let last: Float64Array[] = [];
  return sums.map((sum) => {
    const row = [sum];
    for (let j = 0; j < last.length; j++) {
      const gap = plus(row[j] as Float64Array, last[j] as Float64Array, -1); // row has j + 1 entries
      const square = normOf(gap) ** 2;
      if (!(square > 0 && Number.isFinite(square))) break;
      const inverse = gap.map((x) => x / square);
      row.push(j === 0 ? inverse : plus(last[j - 1] as Float64Array, inverse));
    }
    last = row;
    return row[row.length - 1 - ((row.length - 1) % 2)] as Float64Array;
  });
}
