import {
  type Axis,
  axesOf,
  type Engine,
  type Ids,
  type Ops,
  type RotaryTable,
  reference,
  type Shape,
  type Shaped,
  sizeOf,
  type Tensor,
} from "@resolvent/tensor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

/** One primitive: how to draw its input, and how to call it. */
export interface Primitive {
  readonly name: string;
  /** Draws a call. */
  readonly draw: (random: Draw) => Call;
}

/** A call of a primitive, for any interpreter. */
export interface Call {
  readonly inputs: readonly Tensor[];
  readonly run: <T extends Shaped>(ops: Ops<T>, inputs: readonly T[]) => T;
  /** Errors count relative to this call's largest result; default `run`. */
  readonly size?: <T extends Shaped>(ops: Ops<T>, inputs: readonly T[]) => T;
  readonly label: string;
}

/** Random choices from a seed, so that a failure can be repeated. */
export class Draw {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** In [0, 1). */
  next(): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  /** `from ≤ n ≤ to` */
  whole(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }
  of<V>(values: readonly V[]): V {
    return values[this.whole(0, values.length - 1)] as V; // within the length
  }
  shuffled<V>(values: readonly V[]): V[] {
    const result = [...values];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.whole(0, i);
      [result[i], result[j]] = [result[j] as V, result[i] as V]; // within the length
    }
    return result;
  }
  some<V>(values: readonly V[]): V[] {
    return this.shuffled(values).slice(0, this.whole(0, values.length));
  }
  /** Mostly small and odd, now and then past the width of every tile. */
  size(): number {
    return this.next() < 0.15 ? this.whole(17, 70) : this.whole(1, 6);
  }
  /** The sizes of up to `count` axes named by `prefix`, with at most `most` entries. */
  axes(prefix: string, count: number, most = 2000): Shape {
    const names = Array.from({ length: this.whole(0, count) }, (_, i) => `${prefix}${i}`);
    let entries = 1;
    return Object.fromEntries(
      names.map((name) => {
        const size = Math.max(1, Math.min(this.size(), Math.floor(most / entries)));
        entries *= size;
        return [name, size];
      }),
    );
  }
  /** The same sizes in another memory order. */
  order(shape: Shape): Shape {
    return Object.fromEntries(this.shuffled(Object.entries(shape)));
  }
  /** Numbers that f32 holds exactly. */
  tensor(shape: Shape, value: () => number = () => 4 * this.next() - 2): Tensor {
    return {
      shape,
      data: Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(value())),
    };
  }
  ids(shape: Shape, size: number): Ids {
    return {
      shape,
      data: Int32Array.from({ length: sizeOf(shape) }, () => this.whole(0, size - 1)),
    };
  }
  table(positions: number, pairs: number): RotaryTable {
    const angles = Float64Array.from({ length: positions * pairs }, () => 7 * this.next());
    return {
      positions,
      pairs,
      cos: angles.map((x) => Math.fround(Math.cos(x))),
      sin: angles.map((x) => Math.fround(Math.sin(x))),
      pairing: this.of(["half", "adjacent"] as const),
    };
  }
}

/** A shape with the given axes and up to three more, in any order. */
function around(draw: Draw, axes: Shape): Shape {
  return draw.order({ ...draw.axes("a", 3), ...axes });
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
      const [a, b] = [draw.order({ ...shared, ...draw.axes("a", 2) }), draw.axes("b", 2)];
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
  size?: <T extends Shaped>(ops: Ops<T>, a: T) => T,
): Primitive {
  return {
    name,
    draw: (draw) => {
      const shape = around(draw, { x: draw.of([draw.size(), 530]) });
      const extra = draw.next();
      return {
        inputs: [draw.tensor(shape)],
        run: (ops, [a]) => run(ops, a as never, "x", extra), // one input is drawn
        ...(size && { size: (ops, [a]) => size(ops, a as never) }),
        label: `${name} ${JSON.stringify(shape)}`,
      };
    },
  };
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
      return {
        inputs: [draw.tensor(shape)],
        run: (ops, [a]) => ops.put(a as never, ids, "x", size),
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
      const squares = draw.tensor(shape);
      return {
        inputs: [squares, { shape, data: squares.data.map(Math.abs) }],
        run: (ops, [a]) => ops.sum(a as never, axes),
        size: (ops, [, a]) => ops.sum(a as never, axes),
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
  along("logsumexp", (ops, a, axis) => ops.logsumexp(a, axis)),
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
  const magnitude = ({ shape, data }: Tensor): Tensor => ({ shape, data: data.map(Math.abs) });
  return {
    inputs: [a, b, magnitude(a), magnitude(b)],
    run: (ops, [x, y]) => ops.matmul(x as never, y as never, axes, last),
    size: (ops, [, , x, y]) => ops.matmul(x as never, y as never, axes, last),
    label: `matmul ${JSON.stringify(left)} ${JSON.stringify(right)} over ${axes} last ${last}`,
  };
}

/** What an engine must keep to. */
export interface Conformance {
  /** Largest error, relative to the largest number of the result (or of the same sum over magnitudes). */
  readonly tolerance: number;
  /** Calls of each primitive; default 60. */
  readonly calls?: number;
}

/** Tests that an engine's primitives agree with the float64 reference in shape, memory order and numbers. */
export function describeConformance<T extends Shaped>(
  title: string,
  engine: () => Promise<Engine<T>>,
  { tolerance, calls = 60 }: Conformance,
): void {
  describe(title, () => {
    for (const { name, draw } of primitives) {
      test(name, async () => {
        const ops = await engine();
        await fc.assert(
          fc.asyncProperty(fc.integer(), async (seed) => {
            const call = draw(new Draw(seed));
            const expected = call.run(reference, call.inputs);
            const inputs = call.inputs.map(({ shape, data }) => ops.constant(shape, data));
            const result = call.run(ops, inputs);
            const got = await ops.read(result);
            ops.free([inputs, result]);
            expect(Object.entries(got.shape), call.label).toEqual(Object.entries(expected.shape));
            const sizes = (call.size ?? call.run)(reference, call.inputs).data;
            const largest = sizes.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
            expect(worst(got, expected, tolerance * largest), call.label).toBe("");
          }),
          { numRuns: calls },
        );
      });
    }
  });
}

/** The entry with the largest error, where that is above `limit` or a number is missing. */
function worst(got: Tensor, expected: Tensor, limit: number): string {
  let at = -1;
  let most = limit;
  got.data.forEach((x, i) => {
    const y = expected.data[i] as number; // the shapes agree
    const error = Object.is(x, y) ? 0 : Math.abs(x - y);
    if (!(error <= most)) {
      at = i;
      most = error;
    }
  });
  return at < 0
    ? ""
    : `entry ${at}: got ${got.data[at]}, expected ${expected.data[at]}, error ${most} > ${limit}`;
}
