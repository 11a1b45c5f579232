import { InputError } from "./errors.ts";
import type { Ops } from "./ops.ts";
import { checkSameAxes, matmulRoles } from "./rules.ts";
import { axesOf, type Shape, type Shaped, sizeAlong } from "./shape.ts";
import { gateSlope } from "./slope.ts";

/** A value on the tape; `index` is −1 for constants, which take no gradient. */
export interface Node<T extends Shaped> extends Shaped {
  readonly primal: T;
  readonly index: number;
}

/** Reverse-mode derivatives (VJP) over any interpreter: `Ops` that also write down how to go back. */
export interface AdjointOps<T extends Shaped> extends Ops<Node<T>> {
  /** A value to differentiate by. */
  variable(primal: T): Node<T>;
  /** A value that takes no gradient. */
  fixed(primal: T): Node<T>;
  /**
   * `cotangentᵀ · ∂output/∂x` for each `x` of `wrt`, zeros where the output does not depend on it: the axes
   * of `x`, in any memory order. May be called more than once, with other cotangents.
   * Throws `tensor/size-mismatch` where the cotangent has other axes than the output, `tensor/other-tape`
   * for nodes of another tape, as every operation does.
   */
  gradients(output: Node<T>, cotangent: T, wrt: readonly Node<T>[]): T[];
}

interface Step<T extends Shaped> {
  readonly output: Node<T>;
  readonly inputs: readonly Node<T>[];
  /** The cotangent of input `i`, of exactly its axes; undefined where it is zero. */
  readonly pull: (cotangent: T, i: number) => T | undefined;
}

/**
 * Reverse-mode derivatives over `ops`. The tape holds every intermediate until it is dropped, so run it inside
 * one `scope` of an engine that owns memory.
 *
 * ```ts
 * const tape = adjoint(reference);
 * const x = tape.variable(point);
 * const [gradient] = tape.gradients(f(tape, x), cotangent, [x]);
 * ```
 */
export function adjoint<T extends Shaped>(ops: Ops<T>): AdjointOps<T> {
  const tape: Step<T>[] = [];
  const fixed = (primal: T): Node<T> => ({ shape: primal.shape, primal, index: -1 });
  /** Refuses nodes of another tape, whose indices would name other steps here. */
  const checkOwn = (nodes: readonly Node<T>[]): void => {
    if (nodes.every((node) => node.index < 0 || tape[node.index]?.output === node)) return;
    throw new InputError({
      code: "tensor/other-tape",
      message: `adjoint: expected values of this tape, of ${tape.length} steps, got one of another.`,
      remedy: "Bring its primal over with fixed() or variable().",
      details: { where: "adjoint", steps: tape.length, got: nodes.map((node) => node.index) },
    });
  };
  const record = (primal: T, inputs: readonly Node<T>[], pull: Step<T>["pull"]): Node<T> => {
    checkOwn(inputs);
    if (inputs.every((input) => input.index < 0) && inputs.length > 0) return fixed(primal);
    const output = { shape: primal.shape, primal, index: tape.length };
    tape.push({ output, inputs, pull });
    return output;
  };
  /** Sums a cotangent over the axes that its operand was broadcast along. */
  const onto = (cotangent: T, shape: Shape): T => {
    const extra = axesOf(cotangent.shape).filter((axis) => !(axis in shape));
    return extra.length === 0 ? cotangent : ops.sum(cotangent, extra);
  };
  const unary = (a: Node<T>, y: T, pull: (cotangent: T) => T | undefined): Node<T> =>
    record(y, [a], pull);
  const binary = (
    a: Node<T>,
    b: Node<T>,
    y: T,
    left: (cotangent: T) => T,
    right: (cotangent: T) => T,
  ): Node<T> =>
    record(y, [a, b], (c, i) => (i === 0 ? onto(left(c), a.shape) : onto(right(c), b.shape)));
  /** `y·(c − Σ y·c)`: the softmax Jacobian, which is symmetric. */
  const softmaxPull = (y: T, c: T, axis: string): T => {
    const weighted = ops.mul(y, c);
    return ops.sub(weighted, ops.mul(y, ops.sum(weighted, [axis])));
  };

  return {
    fixed,
    variable: (primal) => record(primal, [], () => undefined),
    gradients: (output, cotangent, wrt) => {
      checkOwn([output, ...wrt]);
      checkSameAxes(output.shape, cotangent.shape, "gradients");
      const arrived: (T | undefined)[] = [];
      if (output.index >= 0) arrived[output.index] = cotangent;
      for (let n = output.index; n >= 0; n--) {
        const step = tape[n];
        const c = arrived[n];
        if (step === undefined || c === undefined) continue;
        step.inputs.forEach((input, i) => {
          if (input.index < 0) return;
          const part = step.pull(c, i);
          if (part === undefined) return;
          const sum = arrived[input.index];
          arrived[input.index] = sum === undefined ? part : ops.add(sum, part);
        });
      }
      return wrt.map((x) => arrived[x.index] ?? ops.fill(x.shape, 0));
    },

    constant: (shape, data) => fixed(ops.constant(shape, data)),
    fill: (shape, value) => fixed(ops.fill(shape, value)),
    rename: (a, names) => {
      const back = Object.fromEntries(Object.entries(names).map(([from, to]) => [to, from]));
      return unary(a, ops.rename(a.primal, names), (c) => ops.rename(c, back));
    },
    split: (a, axis, into) =>
      unary(a, ops.split(a.primal, axis, into), (c) => ops.join(c, axesOf(into), axis)),
    join: (a, axes, into) => {
      const sizes = Object.fromEntries(
        axes.map((axis) => [axis, sizeAlong(a.shape, axis, "join")]),
      );
      return unary(a, ops.join(a.primal, axes, into), (c) => ops.split(c, into, sizes));
    },
    arrange: (a, axes) => unary(a, ops.arrange(a.primal, axes), (c) => c),
    slice: (a, axis, start, end) =>
      unary(a, ops.slice(a.primal, axis, start, end), (c) => {
        const zeros = (size: number): T => ops.fill({ ...c.shape, [axis]: size }, 0);
        const size = sizeAlong(a.shape, axis, "slice");
        return ops.concat([zeros(start), c, zeros(size - end)], axis);
      }),
    concat: (parts, axis) => {
      const ends: number[] = [];
      for (const part of parts)
        ends.push((ends.at(-1) ?? 0) + sizeAlong(part.shape, axis, "concat"));
      const y = ops.concat(
        parts.map((part) => part.primal),
        axis,
      );
      return record(y, parts, (c, i) => ops.slice(c, axis, ends[i - 1] ?? 0, ends[i] as number)); // i is an index of parts
    },
    broadcast: (a, axes) =>
      unary(a, ops.broadcast(a.primal, axes), (c) => ops.sum(c, axesOf(axes))),
    take: (a, axis, ids) =>
      unary(a, ops.take(a.primal, axis, ids), (c) =>
        ops.put(c, ids, axis, sizeAlong(a.shape, axis, "take")),
      ),
    put: (a, ids, axis, size) =>
      unary(a, ops.put(a.primal, ids, axis, size), (c) => ops.take(c, axis, ids)),

    add: (a, b) =>
      binary(
        a,
        b,
        ops.add(a.primal, b.primal),
        (c) => c,
        (c) => c,
      ),
    sub: (a, b) =>
      binary(
        a,
        b,
        ops.sub(a.primal, b.primal),
        (c) => c,
        (c) => ops.scale(c, -1),
      ),
    mul: (a, b) =>
      binary(
        a,
        b,
        ops.mul(a.primal, b.primal),
        (c) => ops.mul(c, b.primal),
        (c) => ops.mul(c, a.primal),
      ),
    div: (a, b) => {
      const y = ops.div(a.primal, b.primal);
      const left = (c: T): T => ops.div(c, b.primal);
      return binary(a, b, y, left, (c) => ops.scale(ops.mul(left(c), y), -1));
    },
    scale: (a, factor) => unary(a, ops.scale(a.primal, factor), (c) => ops.scale(c, factor)),
    exp: (a) => {
      const y = ops.exp(a.primal);
      return unary(a, y, (c) => ops.mul(c, y));
    },
    log: (a) => unary(a, ops.log(a.primal), (c) => ops.div(c, a.primal)),
    sqrt: (a) => {
      const y = ops.sqrt(a.primal);
      return unary(a, y, (c) => ops.div(ops.scale(c, 0.5), y));
    },
    gate: (a, kind) => {
      const g = ops.gate(a.primal, kind);
      return unary(a, g, (c) => {
        const slope = gateSlope(ops, kind, a.primal, g);
        return slope && ops.mul(c, slope);
      });
    },

    sum: (a, axes) => {
      const sizes = Object.fromEntries(axes.map((axis) => [axis, sizeAlong(a.shape, axis, "sum")]));
      return unary(a, ops.sum(a.primal, axes), (c) => ops.broadcast(c, sizes));
    },
    matmul: (a, b, over, last) => {
      const { left, right } = matmulRoles(a.shape, b.shape, over);
      return binary(
        a,
        b,
        ops.matmul(a.primal, b.primal, over, last),
        (c) => ops.matmul(c, b.primal, right),
        (c) => ops.matmul(a.primal, c, left),
      );
    },
    center: (a, axis) => unary(a, ops.center(a.primal, axis), (c) => ops.center(c, axis)),
    rms: (a, axis, eps) => {
      const y = ops.rms(a.primal, axis, eps);
      const n = sizeAlong(a.shape, axis, "rms");
      return unary(a, y, (c) => ops.mul(a.primal, ops.scale(ops.div(c, y), 1 / n)));
    },
    softmax: (a, axis, mask) => {
      const y = ops.softmax(a.primal, axis, mask);
      return unary(a, y, (c) => softmaxPull(y, c, axis));
    },
    logsumexp: (a, axis) =>
      unary(a, ops.logsumexp(a.primal, axis), (c) => ops.mul(ops.softmax(a.primal, axis), c)),
    rotary: (a, axis, pos, table, options) =>
      unary(a, ops.rotary(a.primal, axis, pos, table, options), (c) =>
        ops.rotary(c, axis, pos, table, { ...options, transpose: options?.transpose !== true }),
      ),
    // The tape refers to everything, so nothing may be freed before the gradients are taken.
    scope: (body) => body(),
  };
}
