import {
  axesOf,
  type Ops,
  reference,
  type Shape,
  type Shaped,
  type Tensor,
} from "@resolvent/tensor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Case, cases, ids, runCase } from "./cases.ts";
import { inner, moved, shuffled } from "./numbers.ts";

const ops = reference;
const axisNames = ["pos", "d_model", "head", "vocab"] as const;

/** Numbers as activations are: up to 100 in size and not so small that products lose digits, or 0. */
const number = fc
  .double({ min: -100, max: 100, noNaN: true })
  .map((x) => (Math.abs(x) < 1e-30 ? 0 : x));

/** A shape of named axes in any order. */
const shapes: fc.Arbitrary<Shape> = fc
  .shuffledSubarray([...axisNames])
  .chain((axes) =>
    fc
      .array(fc.integer({ min: 1, max: 4 }), { minLength: axes.length, maxLength: axes.length })
      .map((sizes) => Object.fromEntries(axes.map((axis, i) => [axis, sizes[i] ?? 1]))),
  );

const tensorOf = (shape: Shape): fc.Arbitrary<Tensor> => {
  const size = Object.values(shape).reduce((product, n) => product * n, 1);
  return fc
    .array(number, { minLength: size, maxLength: size })
    .map((data) => ops.constant(shape, data));
};

/** Tensors of one shape with at least one axis, and one of its axes. */
const along = (count: number): fc.Arbitrary<{ axis: string; tensors: Tensor[] }> =>
  shapes
    .filter((shape) => axesOf(shape).length > 0)
    .chain((shape) =>
      fc.record({
        axis: fc.constantFrom(...axesOf(shape)),
        tensors: fc.array(tensorOf(shape), { minLength: count, maxLength: count }),
      }),
    );

/** Runs a law over any one, two or three tensors of one shape and any axis of it. */
function holds(law: (axis: string, x: Tensor, y: Tensor, z: Tensor) => void): void {
  fc.assert(
    fc.property(
      along(3),
      ({ axis, tensors }) => law(axis, ...(tensors as [Tensor, Tensor, Tensor])), // `along(3)` gives three
    ),
  );
}

describe("linear primitives", () => {
  const linear = [
    ...["rename", "split", "join", "arrange", "slice", "concat", "broadcast", "take", "put"],
    ...["scale", "sum", "center", "rotary", "add", "sub"],
  ];
  const rows = linear.flatMap((name) =>
    (cases[name] ?? []).map((use): [string, string, Case] => [name, use.title, use]),
  );

  test.each(rows)("%s: %s: f(x + t·y) = f(x) + t·f(y)", (_, __, use) => {
    const lists = fc.tuple(...use.operands.map(tensorOf));
    fc.assert(
      fc.property(lists, lists, number, (xs, ys, t) => {
        const mixed = xs.map((x, i) => moved(x, ys[i] as Tensor, t)); // lists of the same length
        const expected = moved(runCase(ops, use, xs), runCase(ops, use, ys), t);
        expect(runCase(ops, use, mixed)).toBeNear(expected, { rtol: 1e-13, atol: 1e-10 });
      }),
      { numRuns: 25 },
    );
  });

  test("matmul, in each operand", () => {
    holds((axis, x, y, z) => {
      const t = 0.75;
      const product = (a: Tensor, b: Tensor): Tensor =>
        ops.matmul(a, ops.rename(b, { [axis]: "other" }), []);
      const tolerance = { rtol: 1e-14 * z.data.length, atol: 1e-10 };
      expect(product(moved(x, y, t), z)).toBeNear(
        moved(product(x, z), product(y, z), t),
        tolerance,
      );
      expect(product(z, moved(x, y, t))).toBeNear(
        moved(product(z, x), product(z, y), t),
        tolerance,
      );
    });
  });
});

describe("products", () => {
  const matrices = fc
    .array(fc.integer({ min: 1, max: 4 }), { minLength: 5, maxLength: 5 })
    .chain(([g = 1, i = 1, j = 1, k = 1, l = 1]) =>
      fc.tuple(tensorOf({ g, i, j }), tensorOf({ j, g, k }), tensorOf({ k, l })),
    );

  test("associate", () => {
    fc.assert(
      fc.property(matrices, ([a, b, c]) => {
        const left = ops.matmul(ops.matmul(a, b, ["j"]), c, ["k"]);
        const right = ops.matmul(a, ops.matmul(b, c, ["k"]), ["j"]);
        expect(left).toBeNear(right, { rtol: 1e-13, atol: 1e-8 });
      }),
    );
  });

  test("commute up to memory order, which is transposition", () => {
    fc.assert(
      fc.property(matrices, ([a, b]) => {
        const [ab, ba] = [ops.matmul(a, b, ["j"]), ops.matmul(b, a, ["j"])];
        expect(ab).toBeNear(ba, { rtol: 1e-14 });
        expect(axesOf(ab.shape)).toEqual(["g", "i", "k"]);
        expect(axesOf(ba.shape)).toEqual(["g", "k", "i"]);
      }),
    );
  });

  test("move across the inner product: <A B, C> = <B, Aᵀ C>", () => {
    fc.assert(
      fc.property(matrices, ([a, b]) => {
        const c = ops.exp(ops.scale(ops.matmul(a, b, ["j"]), 1e-5));
        const [left, right] = [
          inner(ops.matmul(a, b, ["j"]), c),
          inner(b, ops.matmul(a, c, ["i"])),
        ];
        expect(left).toBeNear(right, { rtol: 1e-12, atol: 1e-7 });
      }),
    );
  });

  test("over nothing are element-wise products, and a sum of them is a product", () => {
    holds((axis, x, y) => {
      expect(ops.matmul(x, y, [])).toBeNear(ops.mul(x, y), { rtol: 0 });
      const summed = ops.sum(ops.mul(x, y), [axis]);
      expect(ops.matmul(x, y, [axis])).toBeNear(summed, { rtol: 1e-14, atol: 1e-10 });
    });
  });
});

describe("pairs that are transposes", () => {
  test("sum and broadcast", () => {
    holds((axis, x, y) => {
      const size = x.shape[axis] ?? 0;
      const c = ops.sum(y, [axis]);
      const left = inner(ops.sum(x, [axis]), c);
      expect(left).toBeNear(inner(x, ops.broadcast(c, { [axis]: size })), {
        rtol: 1e-13,
        atol: 1e-8,
      });
    });
  });

  test("take and put", () => {
    const rows = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 6, maxLength: 6 });
    const args = fc.tuple(rows, tensorOf({ d: 2, v: 5 }), tensorOf({ b: 2, d: 2, p: 3 }));
    fc.assert(
      fc.property(args, ([list, table, c]) => {
        const chosen = ids({ p: 3, b: 2 }, list);
        expect(inner(ops.take(table, "v", chosen), c)).toBeNear(
          inner(table, ops.put(c, chosen, "v", 5)),
          { rtol: 1e-13, atol: 1e-9 },
        );
      }),
    );
  });
});

describe("pairs that are inverse", () => {
  test("split and join", () => {
    const x = tensorOf({ a: 2, m: 6, c: 3 });
    fc.assert(
      fc.property(x, (m) => {
        const parts = ops.split(m, "m", { h: 2, d: 3 });
        expect(ops.join(parts, ["h", "d"], "m")).toEqual(m);
        expect(ops.split(ops.join(m, ["c", "a"], "j"), "j", { c: 3, a: 2 })).toBeNear(m, {
          rtol: 0,
        });
      }),
    );
  });

  test("slice and concat", () => {
    holds((axis, x, y) => {
      const size = x.shape[axis] ?? 0;
      const both = ops.concat([x, y], axis);
      expect(ops.slice(both, axis, 0, size)).toEqual(x);
      expect(ops.slice(both, axis, size, 2 * size)).toEqual(y);
      for (let cut = 0; cut <= size; cut++) {
        const halves = [ops.slice(x, axis, 0, cut), ops.slice(x, axis, cut, size)];
        expect(ops.concat(halves, axis)).toEqual(x);
      }
    });
  });

  test("rename there and back, arrange there and back", () => {
    fc.assert(
      fc.property(
        along(1),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (one, stream) => {
          const [x] = one.tensors as [Tensor]; // `along(1)` gives one
          const there = ops.rename(x, { [one.axis]: "other" });
          expect(ops.rename(there, { other: one.axis })).toEqual(x);
          const order = shuffled(x.shape, () => stream.next().value);
          expect(ops.arrange(ops.arrange(x, order), axesOf(x.shape))).toEqual(x);
        },
      ),
    );
  });

  test("exp and log, mul and div, add and sub", () => {
    holds((_, x, y) => {
      const positive = ops.exp(ops.scale(y, 0.1));
      expect(ops.log(ops.exp(x))).toBeNear(x, { rtol: 1e-13, atol: 1e-15 });
      expect(ops.div(ops.mul(x, positive), positive)).toBeNear(x, { rtol: 1e-15 });
      expect(ops.sub(ops.add(x, y), y)).toBeNear(x, { atol: 1e-13 });
      expect(ops.mul(ops.sqrt(positive), ops.sqrt(positive))).toBeNear(positive, { rtol: 1e-15 });
    });
  });
});

describe("along an axis", () => {
  test("center is idempotent and leaves a sum of 0", () => {
    holds((axis, x) => {
      const centred = ops.center(x, axis);
      expect(ops.center(centred, axis)).toBeNear(centred, { atol: 1e-12 });
      const sum = ops.sum(centred, [axis]);
      expect(sum).toBeNear(ops.fill(sum.shape, 0), { atol: 1e-12 });
    });
  });

  test("rms² is the mean of squares plus eps", () => {
    holds((axis, x) => {
      const y = ops.rms(x, axis, 0.5);
      const mean = ops.scale(ops.sum(ops.mul(x, x), [axis]), 1 / (x.shape[axis] ?? 1));
      expect(ops.mul(y, y)).toBeNear(ops.add(mean, ops.fill({}, 0.5)), { rtol: 1e-14 });
    });
  });

  test("softmax does not see a shift, sums to 1, and is exp(x − logsumexp)", () => {
    holds((axis, x, y) => {
      const pattern = ops.softmax(x, axis);
      const shift = ops.sum(y, [axis]);
      expect(ops.softmax(ops.add(x, shift), axis)).toBeNear(pattern, { rtol: 1e-12 });
      const sums = ops.sum(pattern, [axis]);
      expect(sums).toBeNear(ops.fill(sums.shape, 1), { rtol: 1e-15 });
      expect(ops.exp(ops.sub(x, ops.logsumexp(x, axis)))).toBeNear(pattern, { rtol: 1e-13 });
    });
  });

  test("logsumexp is at least the maximum, at most log n above it, and moves with a shift", () => {
    holds((axis, x) => {
      const y = ops.logsumexp(x, axis);
      const size = x.shape[axis] ?? 1;
      const above = ops.sub(y, x); // broadcast: for every entry of the line
      for (const d of above.data) expect(d).toBeGreaterThanOrEqual(0);
      const least = ops.scale(ops.logsumexp(ops.scale(above, -1e3), axis), -1e-3);
      for (const d of least.data) expect(d).toBeLessThanOrEqual(Math.log(size) + 1e-9);
      const shifted = ops.logsumexp(ops.add(x, ops.fill({}, 50)), axis);
      expect(shifted).toBeNear(ops.add(y, ops.fill({}, 50)), { atol: 1e-12 });
    });
  });
});

describe("scope", () => {
  test("gives what its body gives, of any type", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(
          Object.is(
            ops.scope(() => value),
            value,
          ),
        ).toBe(true);
      }),
    );
    const twice = <T extends Shaped>(o: Ops<T>, x: T): T =>
      o.scope(() => o.scope(() => o.add(x, x)));
    expect(twice(ops, ops.fill({}, 2)).data).toEqual(Float64Array.of(4));
  });

  test("passes on what its body throws", () => {
    const fault = new Error("no");
    expect(() =>
      ops.scope(() => {
        throw fault;
      }),
    ).toThrow(fault);
  });
});
