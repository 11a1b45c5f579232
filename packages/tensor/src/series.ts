import { coefficientsOf, linear, made, type Series, still } from "./coefficients.ts";
import { InputError } from "./errors.ts";
import type { Ops } from "./ops.ts";
import { recurrencesOf } from "./recurrences.ts";
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
import { axesOf, type Shaped, sizeAlong } from "./shape.ts";

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
  const kept = coefficientsOf(ops, order);
  const { at, all, stacked, stackOf, plus, times, add, mul, scale } = kept;
  const { root, quotient, softmax, ...functions } = recurrencesOf(ops, order, kept);
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

    add,
    sub: (a, b) => plus(a, b, binaryShape(a.shape, b.shape, "sub"), ops.sub),
    mul,
    div: (a, b) => quotient(a, b, binaryShape(a.shape, b.shape, "div")),
    scale,
    exp: functions.exponential,
    log: functions.logarithm,
    sqrt: (a) => (a.orders === 1 ? still(ops.sqrt(at(a, 0))) : root(ops.sqrt(at(a, 0)), all(a))),
    gate: functions.gate,

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
