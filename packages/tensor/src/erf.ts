/** Coefficients of Cody’s rational approximations on |x| ≤ 0.46875 (A, B), ≤ 4 (C, D) and beyond (P, Q). */
const A = [
  3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694, 0.18577770618460315,
] as const;
const B = [23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171] as const;
const C = [
  0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001, 881.952221241769,
  1712.0476126340707, 2051.0783778260716, 1230.3393547979972, 2.1531153547440383e-8,
] as const;
const D = [
  15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
  4362.619090143247, 3439.3676741437216, 1230.3393548037495,
] as const;
const P = [
  0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
  0.0006587491615298378, 0.016315387137302097,
] as const;
const Q = [
  2.568520192289822, 1.8729528499234604, 0.5279051029514285, 0.06051834131244132,
  0.0023352049762686918,
] as const;

/**
 * The complementary error function `1 − erf(x)`, to about 1 unit in the last place of float64 relative.
 * W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969).
 */
export function erfc(x: number): number {
  const y = Math.abs(x);
  if (Number.isNaN(x)) return Number.NaN;
  if (y > 28) return x < 0 ? 2 : 0; // erfc(27.3) is below the smallest float64
  if (y <= 0.46875) {
    const z = y * y;
    let numerator = A[4] * z;
    let denominator = z;
    for (let i = 0; i < 3; i++) {
      numerator = (numerator + (A[i] as number)) * z; // i < 3 < length
      denominator = (denominator + (B[i] as number)) * z;
    }
    return 1 - (x * (numerator + A[3])) / (denominator + B[3]);
  }
  let result: number;
  if (y <= 4) {
    let numerator = C[8] * y;
    let denominator = y;
    for (let i = 0; i < 7; i++) {
      numerator = (numerator + (C[i] as number)) * y; // i < 7 < length
      denominator = (denominator + (D[i] as number)) * y;
    }
    result = (numerator + C[7]) / (denominator + D[7]);
  } else {
    const z = 1 / (y * y);
    let numerator = P[5] * z;
    let denominator = z;
    for (let i = 0; i < 4; i++) {
      numerator = (numerator + (P[i] as number)) * z; // i < 4 < length
      denominator = (denominator + (Q[i] as number)) * z;
    }
    result = (z * (numerator + P[4])) / (denominator + Q[4]);
    result = (1 / Math.sqrt(Math.PI) - result) / y;
  }
  // e^(−y²) in two factors, so that the square's rounding error does not enter.
  const head = Math.trunc(y * 16) / 16;
  result *= Math.exp(-head * head) * Math.exp(-(y - head) * (y + head));
  return x < 0 ? 2 - result : result;
}
