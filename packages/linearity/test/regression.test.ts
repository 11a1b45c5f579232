import { createLinearAlgebra } from "@resolvent/cpu";
import { type LinearAlgebra, type Tensor, tensor } from "@resolvent/tensor";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { effectiveRank, linearityScore, Regression } from "../src/index.ts";
import { regressionBytes } from "../src/regression.ts";

let algebra: LinearAlgebra;
beforeAll(async () => {
  algebra = await createLinearAlgebra();
});

/** Numbers from −1 to 1 by a seed. */
function numbers(count: number, seed: number): Float64Array {
  let state = seed >>> 0;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const table = (rows: number, columns: number, axis: string, data: ArrayLike<number>): Tensor =>
  tensor({ token: rows, [axis]: columns }, Float64Array.from(data));

/** `a · b` of row-major matrices. */
function product(a: ArrayLike<number>, b: ArrayLike<number>, inner: number): Float64Array {
  const rows = a.length / inner;
  const columns = b.length / inner;
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < inner; k++)
      sum +=
        (a[Math.floor(at / columns) * inner + k] ?? 0) * (b[k * columns + (at % columns)] ?? 0);
    return sum;
  });
}

/** A rotation of `size` dimensions: a product of plane rotations. */
function rotation(size: number, seed: number): Float64Array {
  let made = Float64Array.from({ length: size * size }, (_, at) => (at % (size + 1) === 0 ? 1 : 0));
  numbers(size - 1, seed).forEach((x, i) => {
    const turn = Float64Array.from({ length: size * size }, (_, at) =>
      at % (size + 1) === 0 ? 1 : 0,
    );
    const [c, s] = [Math.cos(3 * x), Math.sin(3 * x)];
    turn[i * size + i] = c;
    turn[i * size + i + 1] = -s;
    turn[(i + 1) * size + i] = s;
    turn[(i + 1) * size + i + 1] = c;
    made = product(made, turn, size) as Float64Array<ArrayBuffer>;
  });
  return made;
}

describe("the linearity score", () => {
  const shapes = fc.record({
    tokens: fc.integer({ min: 30, max: 150 }),
    inputs: fc.integer({ min: 1, max: 8 }),
    outputs: fc.integer({ min: 1, max: 6 }),
    seed: fc.integer({ min: 1, max: 1e6 }),
  });

  test("is 1 for affine maps, and the map is found", () => {
    fc.assert(
      fc.property(shapes, ({ tokens, inputs, outputs, seed }) => {
        const x = numbers(tokens * inputs, seed);
        const A = numbers(inputs * outputs, seed + 1);
        const y = product(x, A, inputs).map((v, at) => v + 3 + (at % outputs));
        const { score, map, rank } = linearityScore(algebra, {
          x: table(tokens, inputs, "in", x),
          y: table(tokens, outputs, "out", y),
        });
        expect(score).toBeGreaterThan(1 - 1e-12);
        expect(rank).toBe(inputs);
        expect([...map.A]).toBeNear([...A], { rtol: 1e-9 });
        expect([...map.b]).toBeNear(
          Array.from({ length: outputs }, (_, j) => 3 + j),
          { rtol: 1e-9 },
        );
      }),
      { numRuns: 25 },
    );
  });

  test("does not change with rotations, scales and shifts of either side", () => {
    fc.assert(
      fc.property(
        shapes,
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.double({ min: -50, max: 50, noNaN: true }),
        ({ tokens, inputs, outputs, seed }, scale, shift) => {
          const x = numbers(tokens * inputs, seed);
          const y = numbers(tokens * outputs, seed + 7);
          const moved = (data: Float64Array, size: number): Float64Array =>
            product(data, rotation(size, seed), size).map((v) => scale * v + shift);
          const of = (a: Float64Array, b: Float64Array): number =>
            linearityScore(algebra, {
              x: table(tokens, inputs, "in", a),
              y: table(tokens, outputs, "out", b),
            }).score;
          const score = of(x, y);
          expect(of(moved(x, inputs), y)).toBeNear(score, { atol: 1e-9 });
          expect(of(x, moved(y, outputs))).toBeNear(score, { atol: 1e-9 });
        },
      ),
      { numRuns: 25 },
    );
  });

  test("by hand: y = x² on −1, 0, 1, 2", () => {
    // The best line is y = 1 + (x − ½)·1: squared errors 4, variance 9.
    const { score, map } = linearityScore(algebra, {
      x: table(4, 1, "in", [-1, 0, 1, 2]),
      y: table(4, 1, "out", [1, 0, 1, 4]),
    });
    expect(score).toBeNear(5 / 9, { rtol: 1e-13 });
    expect([...map.A, ...map.b]).toBeNear([1, 1], { rtol: 1e-13 });
  });

  test("on other tokens it may be below 0; of constant outputs it is none", () => {
    const fit = { x: table(3, 1, "in", [0, 1, 2]), y: table(3, 1, "out", [0, 1, 2]) };
    const held = { x: table(3, 1, "in", [0, 1, 2]), y: table(3, 1, "out", [2, 1, 0]) };
    expect(linearityScore(algebra, fit, held).score).toBeNear(-3, { rtol: 1e-12 });
    const still = { x: fit.x, y: table(3, 1, "out", [4, 4, 4]) };
    expect(linearityScore(algebra, still).score).toBeNaN();
  });

  test("too few tokens flatter it: noise is explained in full, which other tokens show", () => {
    const [tokens, size] = [10, 12];
    const noise = (seed: number): { x: Tensor; y: Tensor } => ({
      x: table(tokens, size, "in", numbers(tokens * size, seed)),
      y: table(tokens, 2, "out", numbers(tokens * 2, seed + 1)),
    });
    expect(linearityScore(algebra, noise(1)).score).toBeGreaterThan(1 - 1e-10);
    expect(linearityScore(algebra, noise(1), noise(5)).score).toBeLessThan(0.2);
  });

  test("vectors of different tokens are refused", () => {
    const x = table(3, 1, "in", [0, 1, 2]);
    expect(() => linearityScore(algebra, { x, y: table(2, 1, "out", [1, 2]) })).toThrow(
      /vectors of the same tokens/,
    );
  });
});

describe("Regression", () => {
  test("rows in pieces give what all rows at once give", () => {
    const [tokens, d, q] = [500, 7, 5];
    const x = numbers(tokens * d, 3);
    const y = numbers(tokens * q, 4);
    const whole = new Regression(algebra, d, q);
    whole.add(x, [y]);
    const pieces = new Regression(algebra, d, q);
    for (let from = 0; from < tokens; from += 93) {
      const to = Math.min(tokens, from + 93);
      pieces.add(x.slice(from * d, to * d), [y.slice(from * q, to * q)]);
    }
    expect(pieces.rows).toBe(tokens);
    expect([...pieces.solve(0).A]).toBeNear([...whole.solve(0).A], {
      rtol: 1e-12,
    });
  });

  test("has the accuracy of QR: inputs of condition 1e9, off their mean", () => {
    const [tokens, d] = [300, 6];
    const x = numbers(tokens * d, 9).map((v, at) => 1 + v * 10 ** (-1.8 * (at % d)));
    // Normal equations would square the condition beyond what float64 holds.
    const y = x.map((v, at) => (v - 1) * 10 ** (1.8 * (at % d)));
    const regression = new Regression(algebra, d, d);
    regression.add(x, [y]);
    const { A, rank } = regression.solve(1e-14);
    expect(rank).toBe(d);
    for (let i = 0; i < d; i++) {
      const expected = 10 ** (1.8 * i);
      expect(Math.abs((A[i * d + i] ?? 0) / expected - 1)).toBeLessThan(1e-4); // the last column has 7 digits
    }
  });

  test("columns that are sums of others do not count, and the map of least norm is taken", () => {
    const rows = [
      [1, 2],
      [2, 4],
      [4, 8],
      [5, 10],
    ];
    const regression = new Regression(algebra, 2, 1);
    regression.add(rows.flat(), [rows.map(([a = 0]) => 5 * a)]);
    const { A, rank } = regression.solve(1e-10);
    expect(rank).toBe(1);
    expect([...A]).toBeNear([1, 2], { rtol: 1e-12 }); // of all maps with a + 2b = 5
  });

  test("three rows of thousand dimensions neither vanish nor overflow", () => {
    for (const unit of [1e-200, 1e200]) {
      const regression = new Regression(algebra, 40, 1);
      regression.add(
        numbers(3 * 40, 2).map((v) => v * unit),
        [[1, 2, 4]],
      );
      expect([...regression.triangle].every(Number.isFinite)).toBe(true);
      expect(regression.solve(1e-10).rank).toBe(2); // three points span a plane
    }
  });

  test("what the estimate counts is what is held, and what the largest chunk takes", () => {
    const taken: number[] = [];
    const watched: LinearAlgebra = {
      ...algebra,
      triangle: (a, ...rest) => {
        const R = algebra.triangle(a, ...rest);
        taken.push(2 * a.data.byteLength + R.data.byteLength);
        return R;
      },
    };
    const regression = new Regression(watched, 5, 8);
    regression.add(numbers(1000 * 5, 1), [numbers(1000 * 8, 2)]);
    expect(regressionBytes(5, 8).held).toBe(regression.triangle.byteLength);
    expect(regressionBytes(5, 8).work).toBe(Math.max(...taken));
  });

  test("without rows there is nothing to solve", () => {
    expect(() => new Regression(algebra, 2, 1).solve(0)).toThrow(/no tokens to fit on/);
  });
});

test("effective rank: equal values count in full, one alone counts as one", () => {
  expect(effectiveRank([2, 2, 2, 2])).toBeNear(4, { rtol: 1e-14 });
  expect(effectiveRank([5, 0, 0])).toBeNear(1, { rtol: 1e-14 });
  expect(effectiveRank([0, 0])).toBe(0);
});
