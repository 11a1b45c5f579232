import { InputError } from "./errors.ts";
import type { GateKind, Ops } from "./ops.ts";
import {
  alongShape,
  binaryShape,
  matmulShape,
  rotaryShape,
  softmaxShape,
  sumShape,
} from "./rules/arithmetic.ts";
import {
  arrangeShape,
  broadcastShape,
  concatShape,
  joinShape,
  putShape,
  renameShape,
  sliceShape,
  splitShape,
  takeShape,
} from "./rules/layout.ts";
import { axesOf, type Shape, type Shaped, sizeAlong, withoutAxes } from "./shape.ts";
import { GELU_TANH } from "./slope.ts";

/** The axis that counts the coefficients of a series; values may not have one of this name. */
const ORDER = "order";

/** A polynomial in ε, known up to the order of its interpreter: `Σ_k ε^k a_k`. */
export interface Series<T extends Shaped> extends Shaped {
  /** How many coefficients are kept; those beyond are zero. */
  readonly orders: number;
  /** The coefficients along an axis `order`, which is missing where there is only one. */
  readonly coefficients: T;
}

/** Taylor-mode arithmetic over any interpreter: `Ops` on all coefficients together. */
export interface SeriesOps<T extends Shaped> extends Ops<Series<T>> {
  /** The highest power of ε that is kept. */
  readonly order: number;
  /** A value that does not depend on ε. */
  still(value: T): Series<T>;
  /** `ε · a` */
  raise(a: Series<T>): Series<T>;
  /** The coefficient of `ε^k`, with the axes of the value; zeros where it has none. */
  coefficient(a: Series<T>, k: number): T;
}

/**
 * Taylor-mode arithmetic over `ops`: every value is a polynomial in ε, and every primitive gives the coefficients
 * of its result from those of its operands (Griewank & Walther 2008, ch. 13). What is linear is one operation on
 * the stack of coefficients; a product takes as many as its shorter side has coefficients; `exp`, `softmax` and
 * the like are recurrences over the orders. `relu` is expanded on the side of its value at ε = 0.
 *
 * ```ts
 * const ops = series(reference, 4);
 * const y = ops.exp(ops.raise(ops.still(x)));   // e^{εx}
 * ops.coefficient(y, 3);                        // x³/6
 * ```
 *
 * @throws InputError `tensor/bad-order`
 */
export function series<T extends Shaped>(ops: Ops<T>, order: number): SeriesOps<T> {
  if (!Number.isSafeInteger(order) || order < 0) {
    throw new InputError({
      code: "tensor/bad-order",
      message: `The order of a series should be a whole number from 0, got ${order}.`,
      remedy: "Give the highest power of ε that is wanted.",
      details: { got: order },
    });
  }
  const made = (shape: Shape, coefficients: T, orders: number): Series<T> => ({
    shape,
    coefficients,
    orders,
  });
  const still = (value: T): Series<T> => made(value.shape, value, 1);
  /** Coefficient `k < orders`, without the axis of orders. */
  const at = (a: Series<T>, k: number): T =>
    a.orders === 1 ? a.coefficients : ops.sum(ops.slice(a.coefficients, ORDER, k, k + 1), [ORDER]);
  const all = (a: Series<T>): T[] => Array.from({ length: a.orders }, (_, k) => at(a, k));
  /** A series from its coefficients, of which those that are undefined are zero. */
  const stacked = (shape: Shape, parts: readonly (T | undefined)[]): Series<T> => {
    const kept = parts.slice(0, order + 1);
    while (kept.length > 1 && kept.at(-1) === undefined) kept.pop();
    const whole = kept.map((part) => part ?? ops.fill(shape, 0));
    const [first] = whole;
    if (first === undefined) throw new RangeError("A series has at least one coefficient.");
    if (whole.length === 1) return made(shape, first, 1);
    const levels = whole.map((part) => ops.broadcast(part, { [ORDER]: 1 }));
    return made(shape, ops.concat(levels, ORDER), whole.length);
  };
  const linear = (a: Series<T>, shape: Shape, f: (x: T) => T): Series<T> =>
    made(shape, f(a.coefficients), a.orders);
  /** The first `orders` coefficients as a stack, filled up with zeros. */
  const stackOf = (a: Series<T>, orders: number): T => {
    const stack = a.orders === 1 ? ops.broadcast(a.coefficients, { [ORDER]: 1 }) : a.coefficients;
    if (a.orders >= orders) return stack;
    const rest = ops.fill({ ...a.shape, [ORDER]: orders - a.orders }, 0);
    return ops.concat([stack, rest], ORDER);
  };
  /** The sum of two; both sides' coefficients beyond the other's are left as they are. */
  const plus = (a: Series<T>, b: Series<T>, shape: Shape, f: (x: T, y: T) => T): Series<T> => {
    const orders = Math.max(a.orders, b.orders);
    if (orders === 1) return made(shape, f(a.coefficients, b.coefficients), 1);
    return made(shape, f(stackOf(a, orders), stackOf(b, orders)), orders);
  };
  /** The product by a bilinear operation: `Σ_i ε^i f(a_i, b)`. */
  const times = (a: Series<T>, b: Series<T>, shape: Shape, f: (x: T, y: T) => T): Series<T> => {
    if (a.orders === 1 || b.orders === 1) {
      const orders = Math.max(a.orders, b.orders);
      return made(shape, f(a.coefficients, b.coefficients), orders);
    }
    const parts: (T | undefined)[] = [];
    const short = a.orders <= b.orders;
    const [few, many] = short ? [a, b] : [b, a];
    for (const [i, part] of all(few).entries()) {
      const reach = Math.min(many.orders, order + 1 - i);
      const stack = ops.slice(many.coefficients, ORDER, 0, reach);
      const product = made(shape, short ? f(part, stack) : f(stack, part), reach);
      for (let j = 0; j < reach; j++) {
        const piece = ops.sum(ops.slice(product.coefficients, ORDER, j, j + 1), [ORDER]);
        const known = parts[i + j];
        parts[i + j] = known === undefined ? piece : ops.add(known, piece);
      }
    }
    return stacked(shape, parts);
  };
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
  const mul = (a: Series<T>, b: Series<T>): Series<T> =>
    times(a, b, binaryShape(a.shape, b.shape, "mul"), ops.mul);
  const scaled = (a: Series<T>, factor: number): Series<T> =>
    linear(a, a.shape, (x) => ops.scale(x, factor));
  const added = (a: Series<T>, b: Series<T>): Series<T> =>
    plus(a, b, binaryShape(a.shape, b.shape, "add"), ops.add);
  const gated = (a: Series<T>, kind: GateKind): Series<T> => {
    switch (kind) {
      case "relu":
        return still(ops.gate(at(a, 0), kind));
      case "silu":
        return logistic(a, a, kind);
      case "quick_gelu":
        return logistic(a, scaled(a, 1.702), kind);
      case "gelu_tanh": {
        const cube = mul(mul(a, a), a);
        const inner = added(a, scaled(cube, GELU_TANH.cubic));
        return logistic(a, scaled(inner, 2 * GELU_TANH.factor), kind);
      }
      case "gelu": {
        // Φ′ = exp(−z²/2)/√(2π) · z′
        const bell = exponential(scaled(mul(a, a), -0.5));
        const [x, slope] = [all(a), all(scaled(bell, 1 / Math.sqrt(2 * Math.PI)))];
        return recurrence(a, a.shape, ops.gate(at(a, 0), kind), (k) => integrated(k, x, slope));
      }
    }
  };
  /** Softmax `y` with `y′ = y (a′ − c)`, `c = Σ y a′`, and the coefficients of `c`: those of logsumexp′. */
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

  return {
    order,
    still,
    raise: (a) => stacked(a.shape, [undefined, ...all(a)]),
    coefficient: (a, k) =>
      k < a.orders ? ops.arrange(at(a, k), axesOf(a.shape)) : ops.fill(a.shape, 0),
    constant: (shape, data) => still(ops.constant(shape, data)),
    fill: (shape, value) => still(ops.fill(shape, value)),
    rename: (a, names) => linear(a, renameShape(a.shape, names), (x) => ops.rename(x, names)),
    split: (a, axis, into) =>
      linear(a, splitShape(a.shape, axis, into), (x) => ops.split(x, axis, into)),
    join: (a, axes, into) =>
      linear(a, joinShape(a.shape, axes, into), (x) => ops.join(x, axes, into)),
    arrange: (a, axes) => linear(a, arrangeShape(a.shape, axes), (x) => ops.arrange(x, axes)),
    slice: (a, axis, start, end) =>
      linear(a, sliceShape(a.shape, axis, start, end), (x) => ops.slice(x, axis, start, end)),
    concat: (parts, axis) => {
      const shape = concatShape(
        parts.map((part) => part.shape),
        axis,
      );
      const orders = Math.max(...parts.map((part) => part.orders));
      if (orders === 1) {
        return still(
          ops.concat(
            parts.map((part) => part.coefficients),
            axis,
          ),
        );
      }
      const stacks = parts.map((part) => stackOf(part, orders));
      return made(shape, ops.concat(stacks, axis), orders);
    },
    broadcast: (a, axes) => linear(a, broadcastShape(a.shape, axes), (x) => ops.broadcast(x, axes)),
    take: (a, axis, ids) => linear(a, takeShape(a.shape, axis, ids), (x) => ops.take(x, axis, ids)),
    put: (a, ids, axis, size) =>
      linear(a, putShape(a.shape, ids, axis, size), (x) => ops.put(x, ids, axis, size)),

    add: added,
    sub: (a, b) => plus(a, b, binaryShape(a.shape, b.shape, "sub"), ops.sub),
    mul,
    div: (a, b) => quotient(a, b, binaryShape(a.shape, b.shape, "div")),
    scale: scaled,
    exp: exponential,
    log: (a) => {
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
    },
    sqrt: (a) => (a.orders === 1 ? still(ops.sqrt(at(a, 0))) : root(ops.sqrt(at(a, 0)), all(a))),
    gate: gated,

    sum: (a, axes) => linear(a, sumShape(a.shape, axes), (x) => ops.sum(x, axes)),
    matmul: (a, b, axes, last) =>
      times(a, b, matmulShape(a.shape, b.shape, axes, last), (x, y) =>
        ops.matmul(x, y, axes, last),
      ),
    center: (a, axis) => {
      alongShape(a.shape, axis, "center");
      return linear(a, a.shape, (x) => ops.center(x, axis));
    },
    rms: (a, axis, eps) => {
      const first = ops.rms(at(a, 0), axis, eps);
      if (a.orders === 1) return still(first);
      const n = sizeAlong(a.shape, axis, "rms");
      return root(
        first,
        all(mul(a, a)).map((square) => ops.scale(ops.sum(square, [axis]), 1 / n)),
      );
    },
    softmax: (a, axis, mask) => {
      softmaxShape(a.shape, axis, mask);
      return softmax(a, axis, ops.softmax(at(a, 0), axis, mask)).y;
    },
    logsumexp: (a, axis) => {
      const first = ops.logsumexp(at(a, 0), axis);
      if (a.orders === 1) return still(first);
      const { c } = softmax(a, axis, ops.softmax(at(a, 0), axis));
      const later = c.map((x, k) => (k === 0 ? first : x && ops.scale(x, 1 / k)));
      return stacked(first.shape, [first, ...later.slice(1)]);
    },
    rotary: (a, axis, pos, table, options) =>
      linear(a, rotaryShape(a.shape, axis, pos, table, options?.start ?? 0), (x) =>
        ops.rotary(x, axis, pos, table, options),
      ),
    scope: (body) => ops.scope(body),
  };
}
