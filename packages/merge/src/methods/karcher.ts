import { combination, dot, norm, sinc } from "./numbers.ts";

export interface KarcherOptions {
  /** Default 10. */
  readonly maxIter?: number;
  /** Steps and angles below it end the search, and norms up to it have no direction; default 1e-5. */
  readonly tol?: number;
}

/** As near to π an angle is rounding: between opposite directions no way is the shortest, so none is gone. */
const OPPOSITE = 1e-7;

/**
 * The Riemannian (Karcher) mean of the tensors' directions, of equal weights, times the mean of their norms (mergekit's
 * karcher). From the normalised mean of units `u ← cos‖T‖ u + sin‖T‖ T/‖T‖`, `T = Σ α (θ/sin θ)(uᵢ − ⟨u,uᵢ⟩u)`, until ‖T‖ is
 * below `tol`. Of two tensors it is the direction in the middle of `slerp`.
 */
export function karcher(
  inputs: readonly Float64Array[],
  { maxIter = 10, tol = 1e-5 }: KarcherOptions = {},
): Float64Array<ArrayBuffer> {
  const norms = inputs.map((x) => norm(x));
  const size = norms.reduce((a, b) => a + b, 0) / inputs.length;
  const units = inputs.flatMap((x, i) => {
    const own = norms[i] as number; // one for each input
    return own > tol ? [{ x, unit: 1 / own }] : [];
  });
  const share = 1 / units.length;
  const start = combination(units.map(({ x, unit }) => ({ factor: unit * share, x })));
  const first = units[0];
  if (first === undefined) return new Float64Array(inputs[0]?.length ?? 0);
  const length = norm(start);
  let u =
    length < tol || length === 0
      ? combination([{ factor: first.unit, x: first.x }])
      : start.map((value) => value / length);
  for (let step = 0; step < maxIter; step++) {
    const T = new Float64Array(u.length);
    for (const { x, unit } of units) {
      const cosine = Math.min(1, Math.max(-1, unit * dot(u, x)));
      const angle = Math.acos(cosine);
      if (angle < tol || angle === 0 || Math.PI - angle < OPPOSITE) continue;
      const factor = share * (angle / Math.sin(angle));
      for (let i = 0; i < T.length; i++) {
        T[i] = (T[i] as number) + factor * (unit * (x[i] as number) - cosine * (u[i] as number)); // all are as long
      }
    }
    const turn = norm(T);
    if (turn < tol) break;
    u = combination([
      { factor: Math.cos(turn), x: u },
      { factor: sinc(turn), x: T },
    ]);
  }
  return combination([{ factor: size, x: u }]);
}
