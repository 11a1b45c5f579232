import {
  axesOf,
  drawing,
  inOrder,
  placesIn,
  reference,
  type Shape,
  type Tensor,
  tensor,
} from "@resolvent/tensor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { caseRows, cases, ids, primitives, runCase } from "./cases.ts";
import { shuffled, smooth } from "./numbers.ts";

const { constant } = reference;
const a23 = constant({ a: 2, b: 3 }, [1, 2, 3, 4, 5, 6]);

/** Shape in memory order, and numbers: `toEqual` alone does not see the order of axes. */
function expectExactly(actual: Tensor, shape: Shape, data: readonly number[]): void {
  expect(Object.entries(actual.shape)).toEqual(Object.entries(shape));
  expect(Array.from(actual.data)).toEqual(data);
}

describe("making", () => {
  test("constant copies its numbers", () => {
    const data = [1, 2];
    const x = constant({ a: 2 }, data);
    data[0] = 9;
    expectExactly(x, { a: 2 }, [1, 2]);
    expectExactly(constant({}, [7]), {}, [7]);
    expectExactly(constant({ a: 0, b: 3 }, []), { a: 0, b: 3 }, []);
  });

  test("fill", () => {
    expectExactly(reference.fill({ a: 2, b: 1 }, -2), { a: 2, b: 1 }, [-2, -2]);
    expectExactly(reference.fill({}, 3), {}, [3]);
  });

  test("read gives a copy", async () => {
    const x = constant({ a: 2 }, [1, 2]);
    (await reference.read(x)).data[0] = 9;
    expect(x.data[0]).toBe(1);
  });
});

describe("layout", () => {
  test("rename, also in exchange", () => {
    expectExactly(reference.rename(a23, { a: "c" }), { c: 2, b: 3 }, [1, 2, 3, 4, 5, 6]);
    expectExactly(reference.rename(a23, { a: "b", b: "a" }), { b: 2, a: 3 }, [1, 2, 3, 4, 5, 6]);
    expectExactly(reference.rename(a23, {}), { a: 2, b: 3 }, [1, 2, 3, 4, 5, 6]);
  });

  test("split, the last fastest", () => {
    const x = constant({ m: 6, c: 1 }, [1, 2, 3, 4, 5, 6]);
    const split = reference.split(x, "m", { h: 2, d: 3 });
    expectExactly(split, { h: 2, d: 3, c: 1 }, [1, 2, 3, 4, 5, 6]);
    expectExactly(reference.split(x, "c", {}), { m: 6 }, [1, 2, 3, 4, 5, 6]);
  });

  test("join, the last named fastest, where the first of them stood in memory", () => {
    const x = constant({ a: 2, b: 3, c: 1 }, [1, 2, 3, 4, 5, 6]);
    expectExactly(reference.join(x, ["a", "b"], "m"), { m: 6, c: 1 }, [1, 2, 3, 4, 5, 6]);
    expectExactly(reference.join(x, ["b", "a"], "m"), { m: 6, c: 1 }, [1, 4, 2, 5, 3, 6]);
    expectExactly(reference.join(x, ["c", "a"], "m"), { m: 2, b: 3 }, [1, 2, 3, 4, 5, 6]);
    expectExactly(reference.join(a23, ["b"], "a2"), { a: 2, a2: 3 }, [1, 2, 3, 4, 5, 6]);
    expectExactly(reference.join(a23, [], "m"), { m: 1, a: 2, b: 3 }, [1, 2, 3, 4, 5, 6]);
  });

  test("arrange", () => {
    expectExactly(reference.arrange(a23, ["a"]), { b: 3, a: 2 }, [1, 4, 2, 5, 3, 6]);
    expectExactly(reference.arrange(a23, ["a", "b"]), { a: 2, b: 3 }, [1, 2, 3, 4, 5, 6]);
    expectExactly(reference.arrange(a23, []), { a: 2, b: 3 }, [1, 2, 3, 4, 5, 6]);
  });

  test("slice", () => {
    expectExactly(reference.slice(a23, "b", 1, 3), { a: 2, b: 2 }, [2, 3, 5, 6]);
    expectExactly(reference.slice(a23, "a", 1, 2), { a: 1, b: 3 }, [4, 5, 6]);
    expectExactly(reference.slice(a23, "a", 2, 2), { a: 0, b: 3 }, []);
  });

  test("concat, in the memory order of the first", () => {
    const turned = constant({ b: 1, a: 2 }, [7, 8]);
    const joined = [1, 2, 3, 7, 4, 5, 6, 8];
    expectExactly(reference.concat([a23, turned], "b"), { a: 2, b: 4 }, joined);
    expectExactly(reference.concat([turned, a23], "b"), { b: 4, a: 2 }, [7, 8, 1, 4, 2, 5, 3, 6]);
    expectExactly(reference.concat([a23], "a"), { a: 2, b: 3 }, [1, 2, 3, 4, 5, 6]);
    const none = reference.fill({ a: 0, b: 3 }, 0);
    expectExactly(reference.concat([none, a23, none], "a"), { a: 2, b: 3 }, [1, 2, 3, 4, 5, 6]);
  });

  test("broadcast leads", () => {
    const x = constant({ a: 2 }, [1, 2]);
    expectExactly(reference.broadcast(x, { d: 2, c: 1 }), { d: 2, c: 1, a: 2 }, [1, 2, 1, 2]);
    expectExactly(reference.broadcast(x, { d: 0 }), { d: 0, a: 2 }, []);
  });

  test("take puts the axes of ids in place of the axis", () => {
    const table = constant({ d: 2, vocab: 3 }, [1, 2, 3, 4, 5, 6]);
    const rows = ids({ pos: 2, batch: 2 }, [2, 0, 1, 1]);
    expectExactly(
      reference.take(table, "vocab", rows),
      { d: 2, pos: 2, batch: 2 },
      [3, 1, 2, 2, 6, 4, 5, 5],
    );
    expectExactly(reference.take(table, "vocab", ids({}, [1])), { d: 2 }, [2, 5]);
    expectExactly(
      reference.take(table, "vocab", ids({ vocab: 1 }, [2])),
      { d: 2, vocab: 1 },
      [3, 6],
    );
    expectExactly(reference.take(table, "vocab", ids({ pos: 0 }, [])), { d: 2, pos: 0 }, []);
  });

  test("put adds where ids meet, and leaves 0 where none points", () => {
    const x = constant({ pos: 3, d: 2 }, [1, 2, 3, 4, 5, 6]);
    const rows = ids({ pos: 3 }, [2, 0, 2]);
    expectExactly(reference.put(x, rows, "vocab", 4), { vocab: 4, d: 2 }, [3, 4, 0, 0, 6, 8, 0, 0]);
    expectExactly(
      reference.put(constant({ d: 1 }, [5]), ids({}, [1]), "v", 2),
      { v: 2, d: 1 },
      [0, 5],
    );
    expectExactly(
      reference.put(reference.arrange(x, ["pos"]), rows, "vocab", 3),
      { d: 2, vocab: 3 },
      [3, 0, 6, 4, 0, 8],
    );
  });
});

describe("element-wise", () => {
  const b = constant({ b: 3 }, [10, 20, 40]);

  test("broadcasts over what one side lacks", () => {
    expectExactly(reference.add(a23, b), { a: 2, b: 3 }, [11, 22, 43, 14, 25, 46]);
    expectExactly(reference.sub(b, a23), { a: 2, b: 3 }, [9, 18, 37, 6, 15, 34]);
    expectExactly(reference.mul(a23, constant({}, [2])), { a: 2, b: 3 }, [2, 4, 6, 8, 10, 12]);
    expectExactly(
      reference.div(constant({ a: 2 }, [8, 16]), constant({ c: 2 }, [2, 4])),
      { a: 2, c: 2 },
      [4, 2, 8, 4],
    );
  });

  test("has the axes of the left in order, then those of the right; the right's where they include the left's", () => {
    const axesOfSum = (left: Shape, right: Shape): string[] =>
      axesOf(reference.add(reference.fill(left, 1), reference.fill(right, 1)).shape);
    expect(axesOfSum({ a: 1, b: 1 }, { b: 1, a: 1 })).toEqual(["a", "b"]);
    expect(axesOfSum({ a: 1, b: 1 }, { c: 1, b: 1, d: 1 })).toEqual(["a", "b", "c", "d"]);
    expect(axesOfSum({ b: 1 }, { c: 1, b: 1, a: 1 })).toEqual(["c", "b", "a"]);
    expect(axesOfSum({}, { c: 1, b: 1 })).toEqual(["c", "b"]);
  });

  test("one tensor at a time", () => {
    const x = constant({ a: 2 }, [1, 4]);
    expectExactly(reference.scale(x, -0.5), { a: 2 }, [-0.5, -2]);
    expectExactly(reference.sqrt(x), { a: 2 }, [1, 2]);
    expect(reference.exp(x)).toBeNear([Math.E, 54.598150033144236], { rtol: 1e-15 });
    expect(reference.log(x)).toBeNear([0, 1.3862943611198906], { rtol: 1e-15 });
  });

  test("float32 tensors are taken as they are and computed in float64", () => {
    const third = tensor({}, Float32Array.of(1 / 3));
    expect(reference.scale(third, 1).data).toEqual(Float64Array.of(Math.fround(1 / 3)));
  });
});

describe("gate", () => {
  // φ(z)/z from the formulas of `GateKind` at 40 digits (Python, mpmath).
  test.each([
    ["relu", [0, 0, 1, 0]],
    ["gelu", [0.02275013194817921, 0.3085375387259869, 0.9331927987311419, 0.5]],
    ["gelu_tanh", [0.02270115295611249, 0.30857198034971217, 0.933047717986822, 0.5]],
    ["quick_gelu", [0.03217068842789592, 0.2992231267872398, 0.9277747989647177, 0.5]],
    ["silu", [0.11920292202211756, 0.37754066879814546, 0.8175744761936437, 0.5]],
  ] as const)("%s", (kind, expected) => {
    const z = constant({ d_mlp: 4 }, [-2, -0.5, 1.5, 0]);
    expect(reference.gate(z, kind)).toBeNear(expected, { rtol: 1e-15, of: "each" });
  });

  test.each(["relu", "gelu", "gelu_tanh", "quick_gelu", "silu"] as const)("%s far out", (kind) => {
    const far = constant({ d_mlp: 4 }, [
      -1e4,
      1e4,
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
    expect(Array.from(reference.gate(far, kind).data)).toEqual([0, 1, 0, 1]);
  });
});

describe("reductions", () => {
  test("sum", () => {
    expectExactly(reference.sum(a23, ["a"]), { b: 3 }, [5, 7, 9]);
    expectExactly(reference.sum(a23, ["b"]), { a: 2 }, [6, 15]);
    expectExactly(reference.sum(a23, ["b", "a"]), {}, [21]);
    expectExactly(reference.sum(a23, []), { a: 2, b: 3 }, [1, 2, 3, 4, 5, 6]);
    expectExactly(reference.sum(reference.fill({ a: 0, b: 2 }, 1), ["a"]), { b: 2 }, [0, 0]);
  });

  test("center", () => {
    expectExactly(reference.center(a23, "b"), { a: 2, b: 3 }, [-1, 0, 1, -1, 0, 1]);
    expectExactly(reference.center(a23, "a"), { a: 2, b: 3 }, [-1.5, -1.5, -1.5, 1.5, 1.5, 1.5]);
  });

  test("rms", () => {
    const x = constant({ a: 2, b: 2 }, [3, 4, 0, 0]);
    expect(reference.rms(x, "b", 0.25)).toBeNear([Math.sqrt(12.75), 0.5], { rtol: 1e-15 });
    expectExactly(reference.rms(x, "b", 0.25), { a: 2 }, [Math.sqrt(12.75), 0.5]);
  });

  test("logsumexp, also of numbers that exp cannot take", () => {
    const x = constant({ a: 3, b: 2 }, [0, Math.log(3), 1000, 1000, -1000, -1001]);
    const expected = [Math.log(4), 1000 + Math.LN2, -1000 + Math.log1p(Math.exp(-1))];
    expect(reference.logsumexp(x, "b")).toBeNear(expected, { rtol: 1e-15, of: "each" });
    const none = constant({ b: 2 }, [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    expectExactly(reference.logsumexp(none, "b"), {}, [Number.NEGATIVE_INFINITY]);
  });
});

test("every primitive has a case", () => {
  expect(Object.keys(cases).sort()).toEqual([...primitives].sort());
});

describe("the memory order of operands changes nothing", () => {
  test.each(caseRows.filter(([, , use]) => use.operands.length > 0))("%s: %s", (_, __, use) => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = drawing(seed);
        const operands = use.operands.map((shape) => smooth(shape, random, use.positive));
        const turned = operands.map((x) => reference.arrange(x, shuffled(x.shape, random)));
        const expected = runCase(reference, use, operands);
        expect(runCase(reference, use, turned)).toBeNear(expected, { rtol: 1e-13 });
      }),
      { numRuns: 25 },
    );
  });
});

describe("host tensors", () => {
  test("tensor keeps typed arrays and copies others", () => {
    const data = Float32Array.of(1, 2);
    expect(tensor({ a: 2 }, data).data).toBe(data);
    expect(tensor({ a: 2 }, [1, 2]).data).toEqual(Float64Array.of(1, 2));
  });

  test("placesIn steps over nothing along axes that the source lacks", () => {
    expect(Array.from(placesIn({ a: 2, b: 3 }, { b: 2, c: 2, a: 2 }))).toEqual([
      0, 3, 0, 3, 1, 4, 1, 4,
    ]);
    expect(Array.from(placesIn({ a: 2 }, {}))).toEqual([0]);
    expect(Array.from(placesIn({ a: 2 }, { a: 0, b: 2 }))).toEqual([]);
  });

  test("inOrder moves the named axes last and refuses what is no order", () => {
    expectExactly(inOrder(a23, ["b", "a"]), { b: 3, a: 2 }, [1, 4, 2, 5, 3, 6]);
    expectExactly(inOrder(a23, ["a"]), { b: 3, a: 2 }, [1, 4, 2, 5, 3, 6]);
    expect(inOrder(a23, ["a", "b"])).toBe(a23);
    expect(inOrder(a23, [])).toBe(a23);
    expect(() => inOrder(a23, ["a", "c"])).toThrow('inOrder: expected an axis "c"');
    expect(() => inOrder(a23, ["a", "b", "a"])).toThrow(
      'inOrder: expected each axis once, got "a" twice',
    );
  });
});

test("written takes its numbers from a function, where they stay", () => {
  const shape = { pos: 2, d_model: 2 };
  const made = reference.written(shape, (numbers) => numbers.set([1, 2, 3, 4]));
  expect(made).toEqual({ shape, data: Float64Array.of(1, 2, 3, 4) });
});

test("writtenHalf widens at once: signs, subnormals, the largest, infinities, no numbers", () => {
  const made = (half: "bf16" | "f16", ...bits: number[]) =>
    reference.writtenHalf({ i: bits.length }, half, (into) => into.set(bits)).data;
  expect(made("f16", 0x3c00, 0xc000, 0x8000, 0x0001, 0x7bff, 0xfc00, 0x7e00)).toEqual(
    Float64Array.of(1, -2, -0, 2 ** -24, 65504, Number.NEGATIVE_INFINITY, Number.NaN),
  );
  expect(made("bf16", 0x3f80, 0xc000, 0x8000, 0x0001, 0x7f7f, 0xff80, 0x7fc0)).toEqual(
    Float64Array.of(
      ...[1, -2, -0, 2 ** -133, (2 - 2 ** -7) * 2 ** 127],
      ...[Number.NEGATIVE_INFINITY, Number.NaN],
    ),
  );
});
