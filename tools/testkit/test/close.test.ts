import { nearness } from "@resolvent/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

describe("toBeNear", () => {
  test("takes numbers, arrays, nested arrays and typed arrays", () => {
    expect(1).toBeNear(1);
    expect([1, 2]).toBeNear([1, 2]);
    expect(new Float32Array([1, 2])).toBeNear([1, 2]);
    expect([[1, 2], new Float64Array([3, 4])]).toBeNear([
      [1, 2],
      [3, 4],
    ]);
    expect([]).toBeNear([]);
  });

  test("allows rtol of the largest expected number unless told otherwise", () => {
    expect([100, 0.05]).toBeNear([100, 0], { rtol: 1e-3 });
    expect([100, 0.2]).not.toBeNear([100, 0], { rtol: 1e-3 });
    expect([100, 0.05]).not.toBeNear([100, 0], { rtol: 1e-3, of: "each" });
    expect([100, 0.05]).toBeNear([100, 0], { rtol: 1e-3, of: "each", atol: 0.05 });
  });

  test("is two-sided", () => {
    expect(1.1).not.toBeNear(1, { rtol: 0.01 });
    expect(0.9).not.toBeNear(1, { rtol: 0.01 });
    expect(-1).not.toBeNear(1, { rtol: 0.01 });
  });

  test("has a default of 1e-9 of the largest and nothing absolute", () => {
    expect(1 + 0.9e-9).toBeNear(1);
    expect(1 + 1.1e-9).not.toBeNear(1);
    expect(1e-300).not.toBeNear(0);
  });

  test("compares tensors by axis name, in any order of axes", () => {
    const a = { shape: { pos: 2, d_model: 3 }, data: new Float64Array([1, 2, 3, 4, 5, 6]) };
    const b = { shape: { d_model: 3, pos: 2 }, data: new Float64Array([1, 4, 2, 5, 3, 6]) };
    expect(a).toBeNear(b);
    expect(b).toBeNear(a);
    expect(a).not.toBeNear({ ...b, data: a.data });
    expect(a).not.toBeNear({ shape: { pos: 2, vocab: 3 }, data: a.data });
    expect(a).not.toBeNear({ shape: { pos: 3, d_model: 2 }, data: a.data });
    expect(a).not.toBeNear({ shape: { pos: 2, d_model: 3, head: 1 }, data: a.data });
  });

  test("compares a tensor with arrays of the same sizes, or one row, in memory order", () => {
    const a = { shape: { pos: 2, d_model: 2 }, data: new Float32Array([1, 2, 3, 4]) };
    const rows = [
      [1, 2],
      [3, 4],
    ];
    expect(a).toBeNear(rows);
    expect(a).toBeNear([1, 2, 3, 4]);
    expect(rows).toBeNear(a);
    expect(a).not.toBeNear([[1, 2, 3, 4]]);
    expect(rows).not.toBeNear([1, 2, 3, 4]);
    expect({ shape: {}, data: new Float32Array([7]) }).toBeNear(7);
  });

  test("NaN is near nothing; infinities only themselves, and set no scale", () => {
    expect(Number.NaN).not.toBeNear(Number.NaN, { atol: 10 });
    expect([Number.NaN, 1]).not.toBeNear([1, 1], { atol: 10 });
    expect(1).not.toBeNear(Number.NaN, { atol: 10 });
    expect([Infinity, 1]).toBeNear([Infinity, 1]);
    expect([Infinity, 1]).not.toBeNear([Infinity, 2], { rtol: 0.1 });
    expect([1e300]).not.toBeNear([Infinity], { rtol: 0.1 });
    expect([Infinity]).not.toBeNear([-Infinity]);
  });

  test("the message has the worst place, both numbers, their difference and what was allowed", () => {
    const tensor = { shape: { pos: 2, vocab: 2 }, data: new Float64Array([1, 2.5, 3, 5]) };
    const { near, message } = nearness(
      tensor,
      [
        [1, 2],
        [3, 4],
      ],
      { atol: 0.25, rtol: 0 },
    );
    expect(near).toBe(false);
    expect(message).toBe(
      [
        "2 of 4 numbers differ; worst at [pos 1, vocab 1]:",
        "  got        5",
        "  expected   4",
        "  difference 1",
        "  allowed    0.25 (atol 0.25 + rtol 0 of the largest |expected|, 4)",
      ].join("\n"),
    );
    expect(() => expect([1]).toBeNear([1, 2])).toThrow(
      "not near: shapes differ: got [1], expected [2]",
    );
  });

  test("refuses what it cannot compare", () => {
    expect(() => nearness([[1], [1, 2]], [[1], [1, 2]])).toThrow("same length");
    expect(() => nearness("1", 1)).toThrow(TypeError);
    expect(() => nearness({ shape: { pos: 3 }, data: [1] }, 1)).toThrow("has 1 entries");
    expect(() => nearness(1, 1, { rtol: -1 })).toThrow(RangeError);
    expect(() => nearness(1, 1, { atol: Number.NaN })).toThrow(RangeError);
  });

  test("agrees with the definition", () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number), { minLength: 1 }), number, (pairs, size) => {
        const rtol = Math.abs(size) / 1e6;
        const actual = pairs.map(([a]) => a);
        const expected = pairs.map(([, b]) => b);
        const largest = Math.max(...expected.map(Math.abs));
        const each = pairs.every(([a, b]) => Math.abs(a - b) <= rtol * Math.abs(b));
        const all = pairs.every(([a, b]) => Math.abs(a - b) <= rtol * largest);
        expect(nearness(actual, expected, { rtol, of: "each" }).near).toBe(each);
        expect(nearness(actual, expected, { rtol }).near).toBe(all);
      }),
    );
  });
});
