import { InputError } from "./errors.ts";
import { pairDots, pairSums, swappedPairs } from "./fused.ts";
import type { Ops } from "./ops.ts";
import { matmulRoles } from "./rules/arithmetic.ts";
import { type Axis, axesOf, type Shape, type Shaped, showShape, sizeAlong } from "./shape.ts";
import { gateSlope } from "./slope.ts";
import { type Covector, emptyTape, type Program, type Tape, type Traced } from "./tape.ts";

/** `Ops` that write down how to go back: what `adjoint` and `transposed` share, one rule for each primitive. */
export interface TapeOps<T extends Shaped>
  extends Ops<Traced<T>>,
    Pick<Tape<T>, "variable" | "fixed" | "pull" | "checkCovector"> {}

/** The primitives of one operand, and of two. */
type One = Exclude<
  keyof Ops<Shaped>,
  Two | "constant" | "fill" | "concat" | "scope" | "free" | "fused"
>;
type Two = "add" | "sub" | "mul" | "div" | "matmul";

/** What a primitive takes besides its operands. */
type Rest<K extends One | Two> =
  Parameters<Ops<Shaped>[K]> extends [...(K extends Two ? [Shaped, Shaped] : [Shaped]), ...infer R]
    ? R
    : never;

/** What to hold, for an operation that is not linear in what depends on a variable. */
const FREEZE: Readonly<Record<string, string>> = {
  mul: "one of the two factors, such as the gate of an activation",
  pairDots: "one of the two sides",
  pairSums: "the weights or the rows",
  matmul: "one of the two factors, such as the attention pattern",
  div: "what is divided by, such as the denominator of a norm",
  rms: "the denominator of the norm",
  softmax: "the attention pattern",
  gate: "the gate of the activation",
};

/** A primitive with what it takes besides its operands. */
function primitive<K extends One | Two>(name: K, rest: Rest<K>): Program {
  return <V extends Shaped>(on: Ops<V>, ...operands: V[]) =>
    (on[name] as (...all: unknown[]) => V)(...operands, ...rest); // these are what it takes
}

/** The value of a node; refuses what depends on a variable of which only the shape is known. */
function knownOf<T extends Shaped>(node: Traced<T>, where: string): T {
  if (node.primal !== undefined) return node.primal;
  throw new InputError({
    code: "tensor/not-linear",
    message: `${where}: expected a known value, got ${showShape(node.shape)} that depends on a variable, in which ${where} is not linear.`,
    remedy: `Freeze ${FREEZE[where] ?? "its result"}: put a fixed value in its place.`,
    details: { where, got: node.shape },
  });
}

function sizesAlong(a: Shaped, axes: readonly Axis[], where: string): Shape {
  return Object.fromEntries(axes.map((axis) => [axis, sizeAlong(a.shape, axis, where)]));
}

/** The kinds of operations, and how covectors go back through each. */
function kindsOf<T extends Shaped>(ops: Ops<T>, { record, whole }: Tape<T>) {
  /** Sums a covector of `y` over the axes that its operand was broadcast along. */
  const onto = (operand: Shaped, c: Covector<T>, y: Shaped): Covector<T> => {
    const extra = axesOf(y.shape).filter((axis) => !(axis in operand.shape));
    return extra.length === 0 ? c : { values: ops.sum(whole(c, y), extra) };
  };
  const linear = <K extends One>(
    name: K,
    a: Traced<T>,
    rest: Rest<K>,
    pull: (c: T) => T,
  ): Traced<T> => record([a], primitive(name, rest), (c, _, y) => ({ values: pull(whole(c, y)) }));
  /** A function with a derivative at `x`, where it is `y`. */
  const curve = <K extends One>(
    name: K,
    a: Traced<T>,
    rest: Rest<K>,
    pull: (c: T, x: T, y: T) => T | undefined,
  ): Traced<T> => {
    const x = knownOf(a, name);
    return record([a], primitive(name, rest), (c, _, y) => {
      const values = pull(whole(c, y), x, y.primal as T); // it has a value where `a` has one
      return values && { values };
    });
  };
  /** A product: linear in each operand, where the other is known. */
  const bilinear = <K extends "mul" | "matmul">(
    name: K,
    [a, b]: readonly [Traced<T>, Traced<T>],
    rest: Rest<K>,
    pull: (c: Covector<T>, other: T, y: Traced<T>, i: number) => Covector<T>,
  ): Traced<T> => {
    if (a.primal === undefined) knownOf(b, name);
    return record([a, b], primitive(name, rest), (c, i, y) =>
      pull(c, knownOf(i === 0 ? b : a, name), y, i),
    );
  };
  /** `c · other`, entry by entry: into the weight, where there is one, which has no axes of a batch. */
  const times = ({ values, weight }: Covector<T>, other: T): Covector<T> =>
    weight === undefined
      ? { values: ops.mul(values, other) }
      : { values, weight: ops.mul(weight, other) };
  /** `c` with `other` contracted over some axes; a product yet to be made where these are of size 1. */
  const contracted = (c: Covector<T>, other: T, y: Shaped, over: readonly Axis[]): Covector<T> => {
    const apart = axesOf(c.weight?.shape ?? {}).every((axis) => !(axis in other.shape));
    const { values, weight } = apart ? c : { values: whole(c, y) };
    if (over.some((axis) => other.shape[axis] !== 1)) {
      return { values: ops.matmul(values, other, over), weight };
    }
    const without = (x: T, axes: readonly Axis[]): T => (axes.length === 0 ? x : ops.sum(x, axes));
    const thin = axesOf(other.shape).filter(
      (axis) => axis in values.shape && other.shape[axis] === 1,
    );
    const own = without(other, thin);
    return {
      values: without(values, over),
      weight: weight === undefined ? own : ops.mul(weight, own),
    };
  };
  return { linear, curve, bilinear, onto, contracted, times };
}

/** @param where what errors are said to come from */
export function tapeOf<T extends Shaped>(ops: Ops<T>, where: string): TapeOps<T> {
  const tape = emptyTape(ops, where);
  const { variable, fixed, pull, checkCovector, record, whole } = tape;
  const { linear, curve, bilinear, onto, times, contracted } = kindsOf(ops, tape);
  return {
    ...{ variable, fixed, pull, checkCovector },
    constant: (shape, data) => fixed(ops.constant(shape, data)),
    fill: (shape, value) => fixed(ops.fill(shape, value)),
    rename: (a, names) => {
      const back = Object.entries(names).map(([from, to]): [Axis, Axis] => [to, from]);
      const renamed = (c: T): T =>
        ops.rename(c, Object.fromEntries(back.filter(([axis]) => axis in c.shape)));
      return record([a], primitive("rename", [names]), ({ values, weight }) => {
        return { values: renamed(values), weight: weight && renamed(weight) };
      });
    },
    split: (a, axis, into) =>
      linear("split", a, [axis, into], (c) => ops.join(c, axesOf(into), axis)),
    join: (a, axes, into) =>
      linear("join", a, [axes, into], (c) => ops.split(c, into, sizesAlong(a, axes, "join"))),
    arrange: (a, axes) => record([a], primitive("arrange", [axes]), (c) => c),
    slice: (a, axis, start, end) =>
      linear("slice", a, [axis, start, end], (c) => {
        const zeros = (size: number): T => ops.fill({ ...c.shape, [axis]: size }, 0);
        const size = sizeAlong(a.shape, axis, "slice");
        return ops.concat([zeros(start), c, zeros(size - end)], axis);
      }),
    concat: (parts, axis) => {
      const ends: number[] = [];
      for (const part of parts)
        ends.push((ends.at(-1) ?? 0) + sizeAlong(part.shape, axis, "concat"));
      const run: Program = (on, ...all) => on.concat(all, axis);
      return record(parts, run, (c, i, y) => ({
        values: ops.slice(whole(c, y), axis, ends[i - 1] ?? 0, ends[i] as number), // i is an index of parts
      }));
    },
    broadcast: (a, axes) => linear("broadcast", a, [axes], (c) => ops.sum(c, axesOf(axes))),
    take: (a, axis, ids) =>
      record([a], primitive("take", [axis, ids]), (c, _, y) => {
        // In the order of what was taken from, while it is small.
        const rows = ops.arrange(whole(c, y), axesOf(y.shape));
        return { values: ops.put(rows, ids, axis, sizeAlong(a.shape, axis, "take")) };
      }),
    put: (a, ids, axis, size) => linear("put", a, [ids, axis, size], (c) => ops.take(c, axis, ids)),

    add: (a, b) => record([a, b], primitive("add", []), (c, i, y) => onto(i === 0 ? a : b, c, y)),
    sub: (a, b) =>
      record([a, b], primitive("sub", []), (c, i, y) =>
        i === 0 ? onto(a, c, y) : onto(b, { ...c, values: ops.scale(c.values, -1) }, y),
      ),
    mul: (a, b) =>
      bilinear("mul", [a, b], [], (c, other, y, i) => onto(i === 0 ? a : b, times(c, other), y)),
    div: (a, b) => {
      const divisor = knownOf(b, "div");
      return record([a, b], primitive("div", []), (c, i, y) => {
        const left = ops.div(whole(c, y), divisor);
        if (i === 0) return onto(a, { values: left }, y);
        return onto(b, { values: ops.scale(ops.mul(left, knownOf(y, "div")), -1) }, y);
      });
    },
    scale: (a, factor) =>
      record([a], primitive("scale", [factor]), (c) => ({
        ...c,
        values: ops.scale(c.values, factor),
      })),
    exp: (a) => curve("exp", a, [], (c, _, y) => ops.mul(c, y)),
    log: (a) => curve("log", a, [], (c, x) => ops.div(c, x)),
    sqrt: (a) => curve("sqrt", a, [], (c, _, y) => ops.div(ops.scale(c, 0.5), y)),
    gate: (a, kind) =>
      curve("gate", a, [kind], (c, x, g) => {
        const slope = gateSlope(ops, kind, x, g);
        return slope && ops.mul(c, slope);
      }),

    sum: (a, axes) => linear("sum", a, [axes], (c) => ops.broadcast(c, sizesAlong(a, axes, "sum"))),
    matmul: (a, b, over, last) => {
      const { left, right } = matmulRoles(a.shape, b.shape, over);
      return bilinear("matmul", [a, b], [over, last], (c, other, y, i) =>
        contracted(c, other, y, i === 0 ? right : left),
      );
    },
    center: (a, axis) => linear("center", a, [axis], (c) => ops.center(c, axis)),
    rms: (a, axis, eps) =>
      curve("rms", a, [axis, eps], (c, x, y) =>
        ops.mul(x, ops.scale(ops.div(c, y), 1 / sizeAlong(x.shape, axis, "rms"))),
      ),
    softmax: (a, axis, mask) =>
      // y·(c − Σ y·c): the Jacobian is symmetric.
      curve("softmax", a, [axis, mask], (c, _, y) => {
        const weighted = ops.mul(y, c);
        return ops.sub(weighted, ops.mul(y, ops.sum(weighted, [axis])));
      }),
    logsumexp: (a, axis) =>
      curve("logsumexp", a, [axis], (c, x) => ops.mul(ops.softmax(x, axis), c)),
    rotary: (a, axis, pos, table, options) =>
      linear("rotary", a, [axis, pos, table, options], (c) =>
        ops.rotary(c, axis, pos, table, { ...options, transpose: options?.transpose !== true }),
      ),
    fused: {
      pairDots: (a, b, over, pairs) => {
        if (a.primal === undefined) knownOf(b, "pairDots");
        const run: Program = (on, left, right) => pairDots(on, left, right, over, pairs);
        return record([a, b], run, (c, i, y) => {
          const [own, other] = i === 0 ? [a, b] : [b, a];
          const from = i === 0 ? pairs : swappedPairs(pairs);
          const size = sizeAlong(own.shape, from.left.axis, "pairDots");
          return { values: pairSums(ops, whole(c, y), knownOf(other, "pairDots"), from, size) };
        });
      },
      pairSums: (weights, right, pairs, size) => {
        if (weights.primal === undefined) knownOf(right, "pairSums");
        const run: Program = (on, w, rows) => pairSums(on, w, rows, pairs, size);
        return record([weights, right], run, (c, i, y) => {
          const [from, values] = [swappedPairs(pairs), whole(c, y)];
          if (i === 1) {
            const rows = sizeAlong(right.shape, pairs.right.axis, "pairSums");
            return { values: pairSums(ops, knownOf(weights, "pairSums"), values, from, rows) };
          }
          const over = axesOf(right.shape).filter((axis) => axis !== pairs.right.axis);
          return { values: pairDots(ops, values, knownOf(right, "pairSums"), over, pairs) };
        });
      },
    },
    // The tape refers to everything, so nothing may be freed before covectors are pulled back.
    scope: (body) => body(),
  };
}
