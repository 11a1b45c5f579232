import { type Coefficients, made, type Series, still } from "./coefficients.ts";
import type { GateKind, Ops } from "./ops.ts";
import { axesOf, type Shape, type Shaped, withoutAxes } from "./shape.ts";
import { GELU_TANH } from "./slope.ts";

/** Functions of series that are not linear: each coefficient of the result from those before it. */
export interface Recurrences<T extends Shaped> {
  exponential(a: Series<T>): Series<T>;
  logarithm(a: Series<T>): Series<T>;
  /** The square root of a series, from its first coefficient and all those under the root. */
  root(first: T, squares: readonly (T | undefined)[]): Series<T>;
  quotient(a: Series<T>, b: Series<T>, shape: Shape): Series<T>;
  gate(a: Series<T>, kind: GateKind): Series<T>;
  /** Softmax `y` with `y′ = y (a′ − c)`, `c = Σ y a′`, and the coefficients of `c`: those of logsumexp′. */
  softmax(
    a: Series<T>,
    axis: string,
    first: T,
  ): { readonly y: Series<T>; readonly c: readonly (T | undefined)[] };
}

/** @param order the highest power of ε that is kept */
export function recurrencesOf<T extends Shaped>(
  ops: Ops<T>,
  order: number,
  { at, all, stacked, add, mul, scale }: Coefficients<T>,
): Recurrences<T> {
  const sumOf = (parts: readonly T[]): T | undefined =>
    parts.length === 0 ? undefined : parts.reduce((sum, part) => ops.add(sum, part));
  const minus = (a: T | undefined, b: T | undefined): T | undefined => {
    if (b === undefined) return a;
    return a === undefined ? ops.scale(b, -1) : ops.sub(a, b);
  };
  /** A function given by a recurrence: coefficient `k` from those before it. */
  const recurrence = (
    a: Series<T>,
    shape: Shape,
    first: T,
    next: (k: number, known: readonly (T | undefined)[]) => T | undefined,
  ): Series<T> => {
    const known: (T | undefined)[] = [first];
    if (a.orders > 1) for (let k = 1; k <= order; k++) known.push(next(k, known));
    return stacked(shape, known);
  };
  /** `Σ_{j=from}^{to} f(x_j, y_{k−j})` over the coefficients that both have. */
  const convolved = (
    k: number,
    [from, to]: readonly [number, number],
    x: readonly (T | undefined)[],
    y: readonly (T | undefined)[],
    f: (x: T, y: T, j: number) => T = (u, v) => ops.mul(u, v),
  ): T | undefined => {
    const parts: T[] = [];
    for (let j = from; j <= to; j++) {
      const [u, v] = [x[j], y[k - j]];
      if (u !== undefined && v !== undefined) parts.push(f(u, v, j));
    }
    return sumOf(parts);
  };
  /** `(1/k) Σ_{j=1}^{k} j u_j w_{k−j}`: the integral of `u′ w`. */
  const integrated = (
    k: number,
    u: readonly (T | undefined)[],
    w: readonly (T | undefined)[],
  ): T | undefined => convolved(k, [1, k], u, w, (x, y, j) => ops.scale(ops.mul(x, y), j / k));

  const root = (first: T, squares: readonly (T | undefined)[]): Series<T> => {
    const known: (T | undefined)[] = [first];
    const twice = ops.scale(first, 2);
    for (let k = 1; k <= order; k++) {
      const rest = minus(squares[k], convolved(k, [1, k - 1], known, known));
      known.push(rest && ops.div(rest, twice));
    }
    return stacked(first.shape, known);
  };
  const quotient = (a: Series<T>, b: Series<T>, shape: Shape): Series<T> => {
    if (b.orders === 1) return made(shape, ops.div(a.coefficients, b.coefficients), a.orders);
    const [x, y] = [all(a), all(b)];
    const divisor = at(b, 0);
    const known: (T | undefined)[] = [ops.div(at(a, 0), divisor)];
    for (let k = 1; k <= order; k++) {
      const rest = minus(x[k], convolved(k, [1, k], y, known));
      known.push(rest && ops.div(rest, divisor));
    }
    return stacked(shape, known);
  };
  const exponential = (a: Series<T>): Series<T> => {
    const x = all(a);
    return recurrence(a, a.shape, ops.exp(at(a, 0)), (k, known) => integrated(k, x, known));
  };
  const logistic = (a: Series<T>, u: Series<T>, kind: GateKind): Series<T> => {
    // s′ = s (1 − s) u′
    const inner = all(u);
    const slope: (T | undefined)[] = [];
    return recurrence(a, a.shape, ops.gate(at(a, 0), kind), (k, known) => {
      slope[k - 1] = minus(known[k - 1], convolved(k - 1, [0, k - 1], known, known));
      return integrated(k, inner, slope);
    });
  };
  const logarithm = (a: Series<T>): Series<T> => {
    // a l′ = a′
    const x = all(a);
    const bottom = at(a, 0);
    return recurrence(a, a.shape, ops.log(bottom), (k, known) => {
      const drift = convolved(k, [1, k - 1], known, x, (l, y, j) =>
        ops.scale(ops.mul(l, y), j / k),
      );
      const rest = minus(x[k], drift);
      return rest && ops.div(rest, bottom);
    });
  };
  const gate = (a: Series<T>, kind: GateKind): Series<T> => {
    switch (kind) {
      case "relu":
        return still(ops.gate(at(a, 0), kind));
      case "silu":
        return logistic(a, a, kind);
      case "quick_gelu":
        return logistic(a, scale(a, 1.702), kind);
      case "gelu_tanh": {
        const cube = mul(mul(a, a), a);
        const inner = add(a, scale(cube, GELU_TANH.cubic));
        return logistic(a, scale(inner, 2 * GELU_TANH.factor), kind);
      }
      case "gelu": {
        // Φ′ = exp(−z²/2)/√(2π) · z′
        const bell = exponential(scale(mul(a, a), -0.5));
        const [x, slope] = [all(a), all(scale(bell, 1 / Math.sqrt(2 * Math.PI)))];
        return recurrence(a, a.shape, ops.gate(at(a, 0), kind), (k) => integrated(k, x, slope));
      }
    }
  };
  const softmax = (
    a: Series<T>,
    axis: string,
    first: T,
  ): { readonly y: Series<T>; readonly c: readonly (T | undefined)[] } => {
    const slope = all(a).map((x, j) => (j === 0 ? undefined : ops.scale(x, j)));
    const c: (T | undefined)[] = [];
    const y = recurrence(a, a.shape, first, (k, known) => {
      const moved = convolved(k, [1, k], slope, known);
      c[k] = moved && ops.sum(moved, [axis]);
      const drift = convolved(k, [1, k], c, known);
      const rest = minus(moved, drift && over(drift, a.shape));
      return rest && ops.scale(rest, 1 / k);
    });
    return { y, c };
  };
  const over = (x: T, shape: Shape): T => {
    const missing = withoutAxes(shape, axesOf(x.shape));
    return axesOf(missing).length === 0 ? x : ops.broadcast(x, missing);
  };
  return { exponential, logarithm, root, quotient, gate, softmax };
}
