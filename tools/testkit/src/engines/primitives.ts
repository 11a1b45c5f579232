import {
  type Axis,
  axesOf,
  type Ops,
  reference,
  type Shape,
  type Shaped,
  sizeOf,
  type Tensor,
} from "@resolvent/tensor";
import type { Draw } from "./draw.ts";

/** One primitive: how to draw its input, and how to call it. */
export interface Primitive {
  readonly name: string;
  /** Draws a call. */
  readonly draw: (random: Draw) => Call;
}

/** A call of a primitive, for any interpreter. */
interface Call {
  readonly inputs: readonly Tensor[];
  readonly run: <T extends Shaped>(ops: Ops<T>, inputs: readonly T[]) => T;
  /** Errors count relative to this call's largest result; default `run`. */
  readonly size?: <T extends Shaped>(ops: Ops<T>, inputs: readonly T[]) => T;
  readonly label: string;
}

function magnitude({ shape, data }: Tensor): Tensor {
  return { shape, data: data.map(Math.abs) };
}

/** Entries of one tensor: enough that threads share even a sum of two. A few calls of many millions took most of the time. */
const MOST = 300_000;

/** Up to `count` axes that may stand beside others in one tensor. */
function beside(draw: Draw, others: Shape, prefix: string, count: number): Shape {
  return draw.axes(prefix, count, Math.min(2000, MOST / sizeOf(others)));
}

/** A shape with the given axes and up to three more, in any order. */
function around(draw: Draw, axes: Shape): Shape {
  return draw.order({ ...beside(draw, axes, "a", 3), ...axes });
}

function unary(name: "exp" | "log" | "sqrt", value: (draw: Draw) => number): Primitive {
  return {
    name,
    draw: (draw) => ({
      inputs: [draw.tensor(around(draw, {}), () => value(draw))],
      run: (ops, [a]) => ops[name](a as never), // one input is drawn
      label: name,
    }),
  };
}

function binary(name: "add" | "sub" | "mul" | "div"): Primitive {
  return {
    name,
    draw: (draw) => {
      const shared = draw.axes("s", 3);
      const a = draw.order({ ...shared, ...beside(draw, shared, "a", 2) });
      const b = beside(draw, a, "b", 2);
      const right = draw.of([draw.order({ ...shared, ...b }), { ...shared, ...b }, shared, a, {}]);
      const divisor = (): number => (draw.next() < 0.5 ? -1 : 1) * (0.5 + draw.next());
      return {
        inputs: [draw.tensor(a), draw.tensor(right, name === "div" ? divisor : undefined)],
        run: (ops, [x, y]) => ops[name](x as never, y as never), // two inputs are drawn
        label: `${name} ${JSON.stringify(a)} ${JSON.stringify(right)}`,
      };
    },
  };
}

function along(
  name: string,
  run: <T extends Shaped>(ops: Ops<T>, a: T, axis: Axis, draw: number) => T,
  size?: <T extends Shaped>(ops: Ops<T>, a: T, axis: Axis) => T,
): Primitive {
  return {
    name,
    draw: (draw) => {
      const shape = around(draw, { x: draw.of([draw.size(), 530]) });
      const extra = draw.next();
      return {
        inputs: [draw.tensor(shape)],
        run: (ops, [a]) => run(ops, a as never, "x", extra), // one input is drawn
        ...(size && { size: (ops, [a]) => size(ops, a as never, "x") }),
        label: `${name} ${JSON.stringify(shape)}`,
      };
    },
  };
}

/** The same over magnitudes: a largest number and the logarithm of a sum may cancel, down to 0 for log-probabilities. */
function logsumexpSize<T extends Shaped>(ops: Ops<T>, a: T, axis: Axis): T {
  return ops.logsumexp(ops.sqrt(ops.mul(a, a)), axis);
}

/** Every primitive of `Ops`, with random shapes, sizes, memory orders and numbers. */
export const primitives: readonly Primitive[] = [
  {
    name: "fill",
    draw: (draw) => {
      const shape = around(draw, {});
      const value = Math.fround(draw.next());
      return { inputs: [], run: (ops) => ops.fill(shape, value), label: JSON.stringify(shape) };
    },
  },
  {
    name: "rename",
    draw: (draw) => ({
      inputs: [draw.tensor(around(draw, { x: draw.size() }))],
      run: (ops, [a]) => ops.rename(a as never, { x: "y" }),
      label: "rename",
    }),
  },
  {
    name: "split",
    draw: (draw) => {
      const [p, q] = [draw.whole(1, 4), draw.whole(1, 4)];
      return {
        inputs: [draw.tensor(around(draw, { x: p * q }))],
        run: (ops, [a]) => ops.split(a as never, "x", { p, q }),
        label: "split",
      };
    },
  },
  {
    name: "join",
    draw: (draw) => {
      const shape = around(draw, { x: draw.size(), y: draw.size() });
      const axes = draw.shuffled(["x", "y", ...draw.some(axesOf(shape).filter((n) => n > "z"))]);
      return {
        inputs: [draw.tensor(shape)],
        run: (ops, [a]) => ops.join(a as never, axes, "joined"),
        label: `join ${JSON.stringify(shape)} ${axes}`,
      };
    },
  },
  {
    name: "arrange",
    draw: (draw) => {
      const shape = around(draw, { x: draw.size(), y: draw.size() });
      const axes = draw.some(axesOf(shape));
      return {
        inputs: [draw.tensor(shape)],
        run: (ops, [a]) => ops.arrange(a as never, axes),
        label: `arrange ${JSON.stringify(shape)} ${axes}`,
      };
    },
  },
  {
    name: "slice",
    draw: (draw) => {
      const x = draw.size();
      const start = draw.whole(0, x);
      const end = draw.whole(start, x);
      const shape = around(draw, { x });
      return {
        inputs: [draw.tensor(shape)],
        run: (ops, [a]) => ops.slice(a as never, "x", start, end),
        label: `slice ${JSON.stringify(shape)} ${start} ${end}`,
      };
    },
  },
  {
    name: "concat",
    draw: (draw) => {
      const rest = draw.axes("a", 3);
      const parts = Array.from({ length: draw.whole(1, 4) }, () =>
        draw.tensor(draw.order({ ...rest, x: draw.size() })),
      );
      return {
        inputs: parts,
        run: (ops, inputs) => ops.concat(inputs, "x"),
        label: `concat ${parts.map((part) => JSON.stringify(part.shape))}`,
      };
    },
  },
  {
    name: "broadcast",
    draw: (draw) => {
      const more = draw.axes("m", 2);
      return {
        inputs: [draw.tensor(around(draw, {}))],
        run: (ops, [a]) => ops.broadcast(a as never, more),
        label: `broadcast ${JSON.stringify(more)}`,
      };
    },
  },
  {
    name: "take",
    draw: (draw) => {
      const x = draw.size();
      const ids = draw.ids(draw.axes("i", 2), x);
      const shape = around(draw, { x });
      return {
        inputs: [draw.tensor(shape)],
        run: (ops, [a]) => ops.take(a as never, "x", ids),
        label: `take ${JSON.stringify(shape)} ${JSON.stringify(ids.shape)}`,
      };
    },
  },
  {
    name: "put",
    draw: (draw) => {
      const size = draw.size();
      const ids = draw.ids(draw.axes("i", 2), size);
      const shape = around(draw, ids.shape);
      const a = draw.tensor(shape);
      return {
        inputs: [a, magnitude(a)],
        run: (ops, [x]) => ops.put(x as never, ids, "x", size),
        size: (ops, [, x]) => ops.put(x as never, ids, "x", size),
        label: `put ${JSON.stringify(shape)} ${JSON.stringify(ids.shape)} ${size}`,
      };
    },
  },
  binary("add"),
  binary("sub"),
  binary("mul"),
  binary("div"),
  {
    name: "scale",
    draw: (draw) => {
      const factor = Math.fround(draw.next());
      return {
        inputs: [draw.tensor(around(draw, {}))],
        run: (ops, [a]) => ops.scale(a as never, factor),
        label: "scale",
      };
    },
  },
  unary("exp", (draw) => 6 * draw.next() - 3),
  unary("log", (draw) => Math.exp(20 * draw.next() - 10)),
  unary("sqrt", (draw) => Math.exp(20 * draw.next() - 10)),
  ...(["relu", "gelu", "gelu_tanh", "quick_gelu", "silu"] as const).map(
    (kind): Primitive => ({
      name: `gate ${kind}`,
      draw: (draw) => ({
        inputs: [draw.tensor(around(draw, {}), () => 12 * draw.next() - 6)],
        run: (ops, [a]) => ops.gate(a as never, kind),
        // Gates lie between 0 and 1, and scale a number: their error counts against 1.
        size: (ops) => ops.fill({}, 1),
        label: kind,
      }),
    }),
  ),
  {
    name: "sum",
    draw: (draw) => {
      const shape = around(draw, { x: draw.of([draw.size(), 700]) });
      const axes = draw.some(axesOf(shape));
      const a = draw.tensor(shape);
      return {
        inputs: [a, magnitude(a)],
        run: (ops, [x]) => ops.sum(x as never, axes),
        size: (ops, [, x]) => ops.sum(x as never, axes),
        label: `sum ${JSON.stringify(shape)} ${axes}`,
      };
    },
  },
  { name: "matmul", draw: drawMatmul },
  along(
    "center",
    (ops, a, axis) => ops.center(a, axis),
    (_, a) => a,
  ),
  along("rms", (ops, a, axis) => ops.rms(a, axis, 1e-5)),
  along("logsumexp", (ops, a, axis) => ops.logsumexp(a, axis), logsumexpSize),
  {
    name: "logsumexp of log-probabilities",
    draw: (draw) => {
      const a = draw.tensor(around(draw, { x: 1 + draw.size() }));
      const logs = reference.sub(a, reference.logsumexp(a, "x"));
      return {
        inputs: [{ ...logs, data: logs.data.map(Math.fround) }],
        run: (ops, [x]) => ops.logsumexp(x as never, "x"),
        size: (ops, [x]) => logsumexpSize(ops, x as never, "x"),
        label: `logsumexp ${JSON.stringify(a.shape)}`,
      };
    },
  },
  along("softmax", (ops, a, axis) => ops.softmax(a, axis)),
  {
    name: "softmax with a mask",
    draw: (draw) => {
      const [queries, keys] = [draw.size(), draw.size()];
      const offset = draw.whole(0, keys);
      // Every query must see a key.
      const window = Math.max(1, queries + offset - keys + 1) + draw.whole(0, 4);
      const mask = {
        query: "q",
        ...(draw.next() < 0.6 && { offset }),
        ...(draw.next() < 0.5 && { window }),
      };
      const shape = around(draw, { q: queries, k: keys });
      return {
        inputs: [draw.tensor(shape)],
        run: (ops, [a]) => ops.softmax(a as never, "k", mask),
        label: `softmax ${JSON.stringify(shape)} ${JSON.stringify(mask)}`,
      };
    },
  },
  {
    name: "rotary",
    draw: (draw) => {
      const pairs = draw.whole(1, 9);
      const positions = draw.whole(1, 6);
      const start = draw.whole(0, 3);
      const shape = around(draw, { pos: positions, d: 2 * pairs + draw.whole(0, 3) });
      const table = draw.table(positions + start, pairs);
      const options = { start, transpose: draw.next() < 0.5 };
      return {
        inputs: [draw.tensor(shape)],
        run: (ops, [a]) => ops.rotary(a as never, "d", "pos", table, options),
        label: `rotary ${JSON.stringify(shape)} ${table.pairing} ${JSON.stringify(options)}`,
      };
    },
  },
];

function drawMatmul(draw: Draw): Call {
  const batch = draw.axes("g", 2, 6);
  const over = draw.axes("k", 2, 80);
  if (draw.next() < 0.1) Object.assign(over, { k9: 300 });
  const left = draw.order({ ...batch, ...over, ...draw.axes("i", 2, 80) });
  const right = draw.order({ ...batch, ...over, ...draw.axes("j", 2, 80) });
  const result = axesOf({ ...left, ...right }).filter((axis) => !(axis in over));
  const last = draw.next() < 0.5 ? undefined : draw.some(result);
  const axes = draw.shuffled(axesOf(over));
  const [a, b] = [draw.tensor(left), draw.tensor(right)];
  return {
    inputs: [a, b, magnitude(a), magnitude(b)],
    run: (ops, [x, y]) => ops.matmul(x as never, y as never, axes, last),
    size: (ops, [, , x, y]) => ops.matmul(x as never, y as never, axes, last),
    label: `matmul ${JSON.stringify(left)} ${JSON.stringify(right)} over ${axes} last ${last}`,
  };
}
