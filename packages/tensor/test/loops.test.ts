import { axesOf, placesIn, type Shape, sizeOf, withoutAxes } from "@resolvent/tensor";
import {
  adjacentRun,
  around,
  countOf,
  type Loop,
  loopsOver,
  maskNumbers,
  matmulShape,
  productLoops,
  sumRuns,
  turnedOver,
  walkOf,
} from "@resolvent/tensor/rules";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

/** Where the loops stand in tensor number `which`, turn by turn. */
function places(loops: readonly Loop[], which: number): number[] {
  return loops.reduce<number[]>(
    (from, { size, steps }) =>
      from.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * (steps[which] ?? 0))),
    [0],
  );
}

const sizes: fc.Arbitrary<Shape> = fc
  .shuffledSubarray(["a", "b", "c", "d"])
  .chain((axes) =>
    fc
      .array(fc.integer({ min: 1, max: 3 }), { minLength: axes.length, maxLength: axes.length })
      .map((of) => Object.fromEntries(axes.map((axis, i) => [axis, of[i] as number]))),
  );

describe("loops over a shape", () => {
  test("go where the axes go, in as few loops as memory allows", () => {
    const shape = { layer: 2, head: 1, pos: 3, d_head: 4 };
    expect(loopsOver(shape, [shape])).toEqual([{ size: 24, steps: [1] }]);
    expect(loopsOver(shape, [shape, { pos: 3, d_head: 4 }])).toEqual([
      { size: 2, steps: [12, 0] },
      { size: 12, steps: [1, 1] },
    ]);
    fc.assert(
      fc.property(sizes, sizes, (of, order) => {
        const full = { ...of, ...order };
        const loops = loopsOver(full, [full, of]);
        expect(countOf(loops)).toBe(sizeOf(full));
        expect(places(loops, 0)).toEqual(Array.from({ length: sizeOf(full) }, (_, i) => i));
        const own = Object.fromEntries(axesOf(of).map((axis) => [axis, full[axis] as number]));
        expect(places(loopsOver(full, [own]), 0)).toEqual(Array.from(placesIn(own, full)));
      }),
    );
  });

  test("as the numbers that a kernel takes", () => {
    expect(walkOf([])).toEqual([1, 1, 1, 0]);
    expect(
      walkOf([
        { size: 2, steps: [9, 0] },
        { size: 3, steps: [3, 5] },
        { size: 4, steps: [1, 1] },
      ]),
    ).toEqual([4, 1, 1, 2, 3, 3, 5, 2, 9, 0]);
  });

  test("what lies around an axis", () => {
    expect(around({ a: 2, b: 3, c: 4, d: 5 }, "b")).toEqual({ outer: 2, size: 3, inner: 20 });
    expect(around({ a: 2 }, "b")).toEqual({ outer: 2, size: 1, inner: 1 });
  });
});

test("a sum is one over each run of neighbours, the last first", () => {
  expect(sumRuns({ a: 2, b: 3, c: 4, d: 1, e: 5 }, ["a", "c", "d", "e"])).toEqual([
    { outer: 6, size: 20, inner: 1 },
    { outer: 1, size: 2, inner: 3 },
  ]);
  expect(sumRuns({ a: 1, b: 3 }, ["a"])).toEqual([]);
  fc.assert(
    fc.property(sizes, fc.subarray(["a", "b", "c", "d"]), (shape, axes) => {
      const runs = sumRuns(shape, axes);
      const left = runs.reduce((size, run) => {
        expect(run.outer * run.size * run.inner).toBe(size);
        return size / run.size;
      }, sizeOf(shape));
      expect(left).toBe(sizeOf(withoutAxes(shape, axes)));
    }),
  );
});

describe("a mask as numbers", () => {
  const shape = { query: 3, head: 2, key: 5 };

  test("which query a row is", () => {
    const [after = 0, queries = 0] = maskNumbers(shape, "key", { query: "query" });
    const rows = placesIn({ query: 3 }, { query: 3, head: 2 });
    expect(Array.from(rows, (_, row) => Math.floor(row / after) % queries)).toEqual(
      Array.from(rows),
    );
  });

  test("none, and along its own axis", () => {
    expect(maskNumbers(shape, "key", undefined)).toEqual([1, 0, 0, 0]);
    expect(maskNumbers({ key: 5 }, "key", { query: "key", offset: 2, window: 3 })).toEqual([
      1, 1, 2, 3,
    ]);
    expect(maskNumbers(shape, "key", { query: "head", offset: 2 ** 40 })).toEqual([
      1,
      2,
      2 ** 30,
      2 ** 30,
    ]);
  });
});

describe("a product as loops", () => {
  test("runs that lie together are one loop, whatever they are called", () => {
    const [a, b] = [
      { pos: 3, head: 2, d_head: 4 },
      { head: 2, d_head: 4, d_model: 8 },
    ];
    const loops = productLoops(a, b, ["head", "d_head"], { pos: 3, d_model: 8 });
    expect(loops).toEqual({
      rows: [{ size: 3, steps: [8, 8] }],
      columns: [{ size: 8, steps: [1, 1] }],
      terms: [{ size: 8, steps: [1, 8] }],
      batches: [],
      ...{ m: 3, n: 8, k: 8, batch: 1 },
    });
    expect([adjacentRun(loops.rows, 1), adjacentRun(loops.columns, 1)]).toEqual([1, 8]);
    expect(adjacentRun([], 0)).toBe(1);
  });

  test("covers the result once, and turned over is the product of the operands exchanged", () => {
    fc.assert(
      fc.property(sizes, sizes, fc.subarray(["a", "b", "c", "d"]), (a, right, axes) => {
        const b = Object.fromEntries(axesOf(right).map((x) => [x, a[x] ?? right[x] ?? 1]));
        const over = axes.filter((axis) => axis in a && axis in b);
        const c = matmulShape(a, b, over, undefined);
        const loops = productLoops(a, b, over, c);
        const all = places(loops.batches, 2).flatMap((batch) =>
          places(loops.rows, 1).flatMap((row) =>
            places(loops.columns, 1).map((column) => batch + row + column),
          ),
        );
        expect(all.sort((x, y) => x - y)).toEqual(Array.from({ length: sizeOf(c) }, (_, i) => i));
        const turned = turnedOver(loops);
        const { rows, columns, batches } = productLoops(b, a, over, c);
        expect(turned).toMatchObject({ rows, columns, batches });
        expect(places(turned.terms, 0)).toEqual(places(loops.terms, 1));
        expect(places(turned.terms, 1)).toEqual(places(loops.terms, 0));
        expect(turnedOver(turned)).toEqual(loops);
      }),
    );
  });
});
