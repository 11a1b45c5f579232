/** Vectors whose parts off each other are smaller than this are parallel. */
const PARALLEL = 1e-9;

/**
 * The growth by the pole that is nearest: the largest `|λ|` of the recurrence `T_k ≈ a T_{k−1} + b T_{k−2}` fit to the
 * tail by least squares, where each equation counts as much as the others, whatever the size of its coefficients. That
 * is the denominator of a vector Padé approximant (Sidi 1994): exact for one pole and for a pair of complex ones, about
 * which ratios of norms go up and down. Where coefficients are parallel, of `T_k ≈ a T_{k−1}`.
 *
 * @param tail the lowest order that is fit; equations that would use `T_0` are left out
 * @returns undefined where there are too few coefficients
 */
export function nearestPole(
  coefficients: readonly Float64Array[],
  tail: number,
): number | undefined {
  const highest = coefficients.length - 1;
  const two = { pp: 0, pq: 0, qq: 0, pt: 0, qt: 0 };
  const one = { pp: 0, pt: 0 };
  let pairs = 0;
  for (let k = Math.max(2, tail); k <= highest; k++) {
    const [t, p] = [coefficients[k], coefficients[k - 1]];
    if (t === undefined || p === undefined) continue;
    // A common scale of each equation, so that no power overflows.
    const q = k > 2 ? coefficients[k - 2] : undefined;
    const scale = largestOf([t, p, ...(q === undefined ? [] : [q])]);
    if (scale === 0) continue;
    const pp = product(p, p, scale);
    const pt = product(p, t, scale);
    const size = pp + product(t, t, scale);
    one.pp += pp / size || 0;
    one.pt += pt / size || 0;
    if (q === undefined) continue;
    const qq = product(q, q, scale);
    const weight = 1 / (size + qq);
    two.pp += weight * pp;
    two.pq += weight * product(p, q, scale);
    two.qq += weight * qq;
    two.pt += weight * pt;
    two.qt += weight * product(q, t, scale);
    pairs++;
  }
  const determinant = two.pp * two.qq - two.pq ** 2;
  // Two unknowns want more than one equation, unless it is one of vectors that are not parallel.
  if (pairs >= 2 && determinant > PARALLEL * two.pp * two.qq) {
    const a = (two.pt * two.qq - two.qt * two.pq) / determinant;
    const b = (two.qt * two.pp - two.pt * two.pq) / determinant;
    return largestRoot(a, b);
  }
  return one.pp > 0 && highest >= 3 ? Math.abs(one.pt / one.pp) : undefined;
}

/** The largest `|λ|` of `λ² = a λ + b`. */
function largestRoot(a: number, b: number): number {
  const square = (a / 2) ** 2 + b;
  return square < 0 ? Math.sqrt(-b) : Math.abs(a / 2) + Math.sqrt(square);
}

function largestOf(vectors: readonly Float64Array[]): number {
  let largest = 0;
  for (const vector of vectors) for (const x of vector) largest = Math.max(largest, Math.abs(x));
  return largest;
}

function product(u: Float64Array, v: Float64Array, scale: number): number {
  let sum = 0;
  for (let i = 0; i < u.length; i++) sum += ((u[i] as number) / scale) * ((v[i] as number) / scale); // of one length
  return sum;
}
