/** Differences below it count as it. */
export const LEAST = 1e-6;

/**
 * The other where it is near the base (nearswap of mergekit): `w·x + (1−w)·base`, `w = t/|x − base|`, from 0 to 1.
 */
export function nearswap(
  base: Float64Array,
  x: Float64Array,
  t: number,
): Float64Array<ArrayBuffer> {
  const out = new Float64Array(x.length);
  for (let i = 0; i < out.length; i++) {
    const [own, other] = [base[i] as number, x[i] as number]; // both are as long
    const weight = Math.min(1, Math.max(0, t / Math.max(Math.abs(other - own), LEAST)));
    out[i] = weight * other + (1 - weight) * own;
  }
  return out;
}
