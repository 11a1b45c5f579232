import {
  cost,
  type Priced,
  reachable,
  reference,
  type Shape,
  type Tensor,
} from "@resolvent/tensor";
import { describe, expect, test } from "vitest";
import { caseRows, ids, rotaryTable, runCase } from "./cases.ts";
import { block, blockShapes } from "./composite.ts";
import { faults } from "./faults.ts";

/** What the use of one primitive on given shapes costs, in float32. */
function priced(...operands: readonly Shape[]) {
  return (run: (ops: ReturnType<typeof cost>, a: Priced, b: Priced) => unknown) => {
    const ops = cost();
    run(ops, ...(operands.map(ops.given) as [Priced, Priced])); // a use reads as many as it names
    const { flops, matmulFlops, bytesMoved, peakBytes } = ops.total();
    return { flops, matmulFlops, bytesMoved, peakBytes };
  };
}

const bytes = (numbers: number): number => 4 * numbers;

describe("by hand", () => {
  test("a product counts two operations for each multiply-add", () => {
    const of = priced({ pos: 5, d: 8 }, { d: 8, head: 2, e: 3 });
    expect(of((ops, a, b) => ops.matmul(a, b, ["d"]))).toEqual({
      flops: 2 * 5 * 8 * 6,
      matmulFlops: 2 * 5 * 8 * 6,
      bytesMoved: bytes(5 * 8 + 8 * 6 + 5 * 6),
      peakBytes: bytes(5 * 6),
    });
    const batched = priced({ head: 2, pos: 5, e: 3 }, { head: 2, key_pos: 7, e: 3 });
    const { flops } = batched((ops, a, b) => ops.matmul(a, b, ["e"], ["pos", "key_pos"]));
    expect(flops).toBe(2 * 2 * 5 * 7 * 3);
  });

  test("an element-wise operation counts one for each entry of the result", () => {
    expect(priced({ pos: 5, d: 8 }, { d: 8 })((ops, a, b) => ops.add(b, a))).toEqual({
      flops: 40,
      matmulFlops: 0,
      bytesMoved: bytes(8 + 40 + 40),
      peakBytes: bytes(40),
    });
  });

  test.each([
    ["scale", 1, (ops, a) => ops.scale(a, 2)],
    ["gate", 1, (ops, a) => ops.gate(a, "gelu")],
    ["center", 2, (ops, a) => ops.center(a, "d")],
    ["softmax", 4, (ops, a) => ops.softmax(a, "d")],
    ["sum", 1, (ops, a) => ops.sum(a, ["pos"])],
    ["rms", 2, (ops, a) => ops.rms(a, "d", 0)],
    ["logsumexp", 3, (ops, a) => ops.logsumexp(a, "pos")],
    ["arrange", 0, (ops, a) => ops.arrange(a, ["pos"])],
    ["exp", 1, (ops, a) => ops.exp(a)],
    ["log", 1, (ops, a) => ops.log(a)],
    ["sqrt", 1, (ops, a) => ops.sqrt(a)],
    ["put", 1, (ops, a) => ops.put(a, ids({ pos: 5 }, [0, 0, 0, 1, 1]), "vocab", 50)],
    ["rotary", 3, (ops, a) => ops.rotary(a, "d", "pos", rotaryTable(5, 4, "half"))],
    ["broadcast", 0, (ops, a) => ops.broadcast(a, { degree: 3 })],
    ["concat", 0, (ops, a) => ops.concat([a, a], "pos")],
    ["join", 0, (ops, a) => ops.join(a, ["d", "pos"], "m")],
  ] as const satisfies readonly (readonly [
    string,
    number,
    (ops: ReturnType<typeof cost>, a: Priced) => Priced,
  ])[])("%s counts %i for each entry of its operand", (_, perEntry, run) => {
    expect(priced({ pos: 5, d: 8 })(run).flops).toBe(perEntry * 40);
  });

  test("slice and take touch only what they give", () => {
    const sliced = priced({ pos: 5, d: 8 })((ops, a) => ops.slice(a, "pos", 1, 3));
    expect(sliced).toEqual({
      flops: 0,
      matmulFlops: 0,
      bytesMoved: bytes(32),
      peakBytes: bytes(16),
    });
    const taken = priced({ vocab: 50, d: 8 })((ops, a) =>
      ops.take(a, "vocab", ids({ pos: 3 }, [1, 2, 3])),
    );
    expect(taken).toMatchObject({ flops: 0, bytesMoved: bytes(2 * 3 * 8) });
  });

  test("an MLP", () => {
    const ops = cost({ precision: "f64" });
    const [x, into, out] = [
      { pos: 3, d: 4 },
      { d: 4, m: 16 },
      { m: 16, d: 4 },
    ].map(ops.given) as [Priced, Priced, Priced];
    const z = ops.matmul(x, into, ["d"]);
    const y = ops.matmul(ops.mul(ops.gate(z, "gelu"), z), out, ["m"]);
    expect(y.shape).toEqual({ pos: 3, d: 4 });
    expect(ops.total()).toEqual({
      flops: 2 * (2 * 3 * 4 * 16) + 2 * 48,
      matmulFlops: 2 * (2 * 3 * 4 * 16),
      bytesMoved: 8 * (12 + 64 + 48 + (48 + 48) + (48 + 48 + 48) + (48 + 64 + 12)),
      peakBytes: 8 * (48 + 48 + 48 + 12),
      calls: { matmul: 2, gate: 1, mul: 1 },
    });
  });

  test("what is given costs nothing; constants cost their bytes", () => {
    const ops = cost();
    ops.given({ vocab: 1e6, d: 1e4 });
    expect(ops.total()).toEqual({
      flops: 0,
      matmulFlops: 0,
      bytesMoved: 0,
      peakBytes: 0,
      calls: {},
    });
    ops.constant({ d: 2 }, [1, 2]);
    ops.fill({ d: 3 }, 0);
    expect(ops.total()).toMatchObject({ bytesMoved: 20, peakBytes: 20 });
  });

  test("a total is a copy: it does not change with what follows", () => {
    const ops = cost();
    const before = ops.total();
    ops.fill({ d: 3 }, 0);
    expect(before.calls).toEqual({});
  });
});

describe("views", () => {
  test("rename, split and join of neighbours are free", () => {
    const ops = cost();
    const x = ops.given({ pos: 5, d: 8, e: 2 });
    const split = ops.split(ops.rename(x, { pos: "key_pos" }), "d", { head: 2, d_head: 4 });
    expect(ops.join(split, ["head", "d_head"], "d").shape).toEqual({ key_pos: 5, d: 8, e: 2 });
    expect(ops.join(split, [], "one").shape).toEqual({
      one: 1,
      key_pos: 5,
      head: 2,
      d_head: 4,
      e: 2,
    });
    expect(ops.total()).toMatchObject({ bytesMoved: 0, peakBytes: 0, calls: {} });
  });

  test.each([[["d", "pos"]], [["pos", "e"]]])("a join of %j is a copy", (axes) => {
    const ops = cost();
    ops.join(ops.given({ pos: 5, d: 8, e: 2 }), axes, "m");
    expect(ops.total()).toMatchObject({ bytesMoved: bytes(160), peakBytes: bytes(80) });
    expect(ops.total().calls).toEqual({ join: 1 });
  });
});

describe("scopes", () => {
  const row = { d: 10 };
  const peak = (program: (ops: ReturnType<typeof cost>) => unknown): number => {
    const ops = cost();
    program(ops);
    return ops.total().peakBytes / bytes(10);
  };
  const two = (ops: ReturnType<typeof cost>): Priced => ops.exp(ops.fill(row, 0));

  test("free what they do not return", () => {
    expect(peak((ops) => [two(ops), two(ops)])).toBe(4);
    expect(peak((ops) => [ops.scope(() => two(ops)), ops.scope(() => two(ops))])).toBe(3);
    expect(peak((ops) => [ops.scope(() => void two(ops)), ops.scope(() => void two(ops))])).toBe(2);
  });

  test("keep what is returned inside arrays, maps, objects, and views", () => {
    const wraps: ((x: Priced, ops: ReturnType<typeof cost>) => unknown)[] = [
      (x) => [x],
      (x) => new Map([["key", { inside: [x] }]]),
      (x, ops) => ops.split(ops.rename(x, { d: "e" }), "e", { f: 2, g: 5 }),
    ];
    for (const wrap of wraps) {
      const once = (ops: ReturnType<typeof cost>): unknown =>
        ops.scope(() => wrap(ops.fill(row, 0), ops));
      expect(peak((ops) => [once(ops), once(ops), once(ops)])).toBe(3);
    }
  });

  test("hand what they return to the scope around them", () => {
    const nested = (ops: ReturnType<typeof cost>): unknown =>
      ops.scope(() => void ops.scope(() => two(ops)));
    expect(peak((ops) => [nested(ops), nested(ops), nested(ops)])).toBe(2);
  });

  test("free everything when their body throws", () => {
    const failing = (ops: ReturnType<typeof cost>): void =>
      ops.scope(() => {
        two(ops);
        throw new Error("no");
      });
    const ops = cost();
    expect(() => failing(ops)).toThrow("no");
    expect(() => failing(ops)).toThrow("no");
    two(ops);
    expect(ops.total().peakBytes).toBe(bytes(20));
  });

  test("do not free what was made outside", () => {
    expect(
      peak((ops) => {
        const outside = ops.fill(row, 0);
        ops.scope(() => void ops.exp(outside));
        ops.scope(() => void ops.exp(outside));
      }),
    ).toBe(2);
  });

  test("reachable finds each object once, also in circles, and does not look into numbers", () => {
    const data = new Float64Array(3);
    const inner = { data };
    const circle: Record<string, unknown> = { inner, list: [inner, null, 1, "x", undefined] };
    circle.self = circle;
    const found = reachable(circle);
    expect(found).toEqual(new Set([circle, inner, circle.list]));
  });
});

describe("shapes are those of the reference, in memory order", () => {
  const shapeOf = (x: Tensor | Priced): [string, number][] => Object.entries(x.shape);

  test.each(caseRows)("%s: %s", (_, __, use) => {
    const ops = cost();
    const computed = runCase(
      reference,
      use,
      use.operands.map((shape) => reference.fill(shape, 1)),
    );
    expect(shapeOf(runCase(ops, use, use.operands.map(ops.given)))).toEqual(shapeOf(computed));
  });

  test("a whole block", () => {
    const ops = cost();
    const computed = block(
      reference,
      blockShapes.map((shape) => reference.fill(shape, 1)),
    );
    expect(shapeOf(block(ops, blockShapes.map(ops.given)))).toEqual(shapeOf(computed));
  });
});

describe("wrong calls throw what the reference throws", () => {
  const thrownBy = (call: () => unknown): unknown => {
    try {
      return call();
    } catch (error) {
      return error;
    }
  };

  test.each(faults)("$says", ({ run }) => {
    const ops = cost();
    const expected = thrownBy(() => run(reference, (shape) => reference.fill(shape, 1)));
    expect(expected).toBeInstanceOf(Error);
    expect(thrownBy(() => run(ops, ops.given))).toEqual(expected);
    expect(ops.total()).toMatchObject({ flops: 0, matmulFlops: 0, bytesMoved: 0 });
  });

  test("given checks its shape", () => {
    expect(() => cost().given({ d: -1 })).toThrow("given: expected a whole number, 0 or more");
  });
});
