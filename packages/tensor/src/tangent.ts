import type { Ops } from "./ops.ts";
import { checkSameAxes } from "./rules/checks.ts";
import { type Shape, type Shaped, sizeAlong, withoutAxes } from "./shape.ts";
import { gateSlope } from "./slope.ts";

/** A value and its derivative along one direction; an absent tangent is zero. */
export interface Dual<T extends Shaped> extends Shaped {
  readonly primal: T;
  readonly tangent: T | undefined;
}

/** Forward-mode derivatives (JVP) over any interpreter: `Ops` on value and tangent together. */
export interface TangentOps<T extends Shaped> extends Ops<Dual<T>> {
  /**
   * A value that moves along `tangent`; a value that stays where none is given.
   * Throws `tensor/size-mismatch` where the tangent has other axes than the value.
   */
  dual(primal: T, tangent?: T): Dual<T>;
}

/**
 * Forward-mode derivatives over `ops`.
 *
 * ```ts
 * const moving = tangent(reference);
 * const y = f(moving, moving.dual(x, direction));   // y.tangent = f′(x)·direction
 * ```
 */
export function tangent<T extends Shaped>(ops: Ops<T>): TangentOps<T> {
  const dual = (primal: T, moved?: T): Dual<T> => ({ shape: primal.shape, primal, tangent: moved });
  const linear = (a: Dual<T>, f: (x: T) => T): Dual<T> =>
    dual(f(a.primal), a.tangent && f(a.tangent));
  /** A tangent of a broadcast operand, over all axes of the result. */
  const over = (t: T, shape: Shape): T => {
    const missing = withoutAxes(shape, Object.keys(t.shape));
    return Object.keys(missing).length === 0 ? t : ops.broadcast(t, missing);
  };
  const total = (x: T | undefined, y: T | undefined, shape: Shape): T | undefined => {
    if (x !== undefined && y !== undefined) return over(ops.add(x, y), shape);
    const one = x ?? y;
    return one && over(one, shape);
  };
  /** A function with a known derivative: `slope(y)` is multiplied with the tangent. */
  const curve = (a: Dual<T>, y: T, slope: () => T | undefined): Dual<T> => {
    const s = a.tangent && slope();
    return dual(y, a.tangent && s && ops.mul(s, a.tangent));
  };

  return {
    dual: (primal, moved) => {
      if (moved !== undefined) checkSameAxes(primal.shape, moved.shape, "dual");
      return dual(primal, moved);
    },
    constant: (shape, data) => dual(ops.constant(shape, data)),
    fill: (shape, value) => dual(ops.fill(shape, value)),
    rename: (a, names) => linear(a, (x) => ops.rename(x, names)),
    split: (a, axis, into) => linear(a, (x) => ops.split(x, axis, into)),
    join: (a, axes, into) => linear(a, (x) => ops.join(x, axes, into)),
    arrange: (a, axes) => linear(a, (x) => ops.arrange(x, axes)),
    slice: (a, axis, start, end) => linear(a, (x) => ops.slice(x, axis, start, end)),
    concat: (parts, axis) => {
      const primal = ops.concat(
        parts.map((part) => part.primal),
        axis,
      );
      if (parts.every((part) => part.tangent === undefined)) return dual(primal);
      return dual(
        primal,
        ops.concat(
          parts.map((p) => p.tangent ?? ops.fill(p.shape, 0)),
          axis,
        ),
      );
    },
    broadcast: (a, axes) => linear(a, (x) => ops.broadcast(x, axes)),
    take: (a, axis, ids) => linear(a, (x) => ops.take(x, axis, ids)),
    put: (a, ids, axis, size) => linear(a, (x) => ops.put(x, ids, axis, size)),

    add: (a, b) => {
      const y = ops.add(a.primal, b.primal);
      return dual(y, total(a.tangent, b.tangent, y.shape));
    },
    sub: (a, b) => {
      const y = ops.sub(a.primal, b.primal);
      return dual(y, total(a.tangent, b.tangent && ops.scale(b.tangent, -1), y.shape));
    },
    mul: (a, b) => {
      const y = ops.mul(a.primal, b.primal);
      const left = a.tangent && ops.mul(a.tangent, b.primal);
      return dual(y, total(left, b.tangent && ops.mul(a.primal, b.tangent), y.shape));
    },
    div: (a, b) => {
      const y = ops.div(a.primal, b.primal);
      const right = b.tangent && ops.scale(ops.mul(y, b.tangent), -1);
      const numerator = total(a.tangent, right, y.shape);
      return dual(y, numerator && ops.div(numerator, b.primal));
    },
    scale: (a, factor) => linear(a, (x) => ops.scale(x, factor)),
    exp: (a) => {
      const y = ops.exp(a.primal);
      return curve(a, y, () => y);
    },
    log: (a) => dual(ops.log(a.primal), a.tangent && ops.div(a.tangent, a.primal)),
    sqrt: (a) => {
      const y = ops.sqrt(a.primal);
      return dual(y, a.tangent && ops.div(ops.scale(a.tangent, 0.5), y));
    },
    gate: (a, kind) => {
      const g = ops.gate(a.primal, kind);
      return curve(a, g, () => gateSlope(ops, kind, a.primal, g));
    },

    sum: (a, axes) => linear(a, (x) => ops.sum(x, axes)),
    matmul: (a, b, axes, last) => {
      const y = ops.matmul(a.primal, b.primal, axes, last);
      const left = a.tangent && ops.matmul(a.tangent, b.primal, axes, last);
      return dual(
        y,
        total(left, b.tangent && ops.matmul(a.primal, b.tangent, axes, last), y.shape),
      );
    },
    center: (a, axis) => linear(a, (x) => ops.center(x, axis)),
    rms: (a, axis, eps) => {
      const y = ops.rms(a.primal, axis, eps);
      const n = sizeAlong(a.shape, axis, "rms");
      const moved = a.tangent && ops.sum(ops.mul(a.primal, a.tangent), [axis]);
      return dual(y, moved && ops.scale(ops.div(moved, y), 1 / n));
    },
    softmax: (a, axis, mask) => {
      const y = ops.softmax(a.primal, axis, mask);
      const moved = a.tangent && ops.mul(y, a.tangent);
      return dual(y, moved && ops.sub(moved, ops.mul(y, ops.sum(moved, [axis]))));
    },
    logsumexp: (a, axis) => {
      const y = ops.logsumexp(a.primal, axis);
      const weighted = (t: T): T => ops.sum(ops.mul(ops.softmax(a.primal, axis), t), [axis]);
      return dual(y, a.tangent && weighted(a.tangent));
    },
    rotary: (a, axis, pos, table, options) =>
      linear(a, (x) => ops.rotary(x, axis, pos, table, options)),
    scope: (body) => ops.scope(body),
  };
}
