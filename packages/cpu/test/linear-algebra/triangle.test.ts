import { inOrder, type LinearAlgebra, reference, type Tensor, tensor } from "@resolvent/tensor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLinearAlgebra, lapackLinearAlgebra } from "../../src/index.ts";
import { at, EPS, frobenius, generate, largest, matrix, member, random } from "./matrices.ts";

const skipped = "(skipped: no LAPACK; install one, such as apt install libopenblas0 or liblapack3)";
const system = lapackLinearAlgebra({ threads: 2 });
const implementations: readonly (readonly [string, LinearAlgebra | undefined])[] = [
  ["own kernels", await createLinearAlgebra()],
  [system === undefined ? `LAPACK ${skipped}` : "LAPACK", system],
];

/** `AᵀA`, or `AᵀB`. */
function products(a: Tensor, b = a): Tensor {
  return reference.matmul(a, reference.rename(b, { column: "other" }), ["row"]);
}

function apart(a: Tensor, b: Tensor): number {
  expect(Object.entries(a.shape)).toEqual(Object.entries(b.shape));
  return largest(Float64Array.from(a.data, (x, i) => x - at(b.data, i)));
}

/** Holds what is true of every triangle, of the first columns that are not `beside`. */
function check(a: Tensor, R: Tensor, beside = 0): void {
  const { row: m = 0, column: n = 0 } = a.shape;
  const height = Math.min(m, n - beside);
  expect(Object.entries(R.shape)).toEqual([
    ["row", height],
    ["column", n],
  ]);
  for (let i = 0; i < height; i++) {
    expect(at(R.data, i * n + i)).toBeGreaterThanOrEqual(0);
    for (let j = 0; j < i; j++) expect(at(R.data, i * n + j)).toBe(0);
  }
  if (m === 0 || n === 0) return;
  const reflected = reference.slice(a, "column", 0, n - beside);
  const triangle = reference.slice(R, "column", 0, n - beside);
  const limit = 8 * (m + n) * EPS * frobenius(a) ** 2;
  expect(apart(products(triangle, R), products(reflected, a))).toBeLessThanOrEqual(limit);
}

const dimensions = fc.record({
  rows: fc.integer({ min: 1, max: 90 }),
  columns: fc.integer({ min: 1, max: 90 }),
  part: fc.double({ min: 0, max: 1, noNaN: true }),
  seed: fc.integer({ min: 0, max: 2 ** 31 }),
});

describe.each(implementations)("%s", (_, found) => {
  const run = found === undefined ? test.skip : test;
  const linear = found as LinearAlgebra; // the tests are skipped where there is none
  const triangle = (a: Tensor, beside?: number): Tensor =>
    linear.triangle(a, "row", "column", beside);

  run("by hand: (3, 1), (4, 2), and one column carried along", () => {
    const R = triangle(matrix(2, 2, [3, 1, 4, 2]));
    expect(R.data).toBeNear([5, 2.2, 0, 0.4], { rtol: 1e-15 });
    const carried = triangle(matrix(2, 2, [3, 1, 4, 2]), 1);
    expect(carried.shape).toEqual({ row: 1, column: 2 });
    expect(carried.data).toBeNear([5, 2.2], { rtol: 1e-15 });
    expect(triangle(matrix(1, 2, [-3, 4])).data).toEqual(Float64Array.of(3, -4));
    expect(triangle(matrix(2, 1, [-3, 4])).data).toBeNear([5], { rtol: 1e-15 });
  });

  run("RᵀR = AᵀA, the triangle's diagonal is not negative, columns beside are QᵀY", () => {
    fc.assert(
      fc.property(dimensions, ({ rows, columns, part, seed }) => {
        const a = random(rows, columns, seed);
        check(a, triangle(a));
        const beside = Math.floor(part * columns);
        check(a, triangle(a, beside), beside);
      }),
      { numRuns: 60 },
    );
  });

  run("the product of the diagonal is |det A|, and its singular values are those of A", () => {
    const a = random(70, 70, 5);
    const R = triangle(a);
    const values = linear.singularValues(a, "row", "column", "rank");
    expect(apart(linear.singularValues(R, "row", "column", "rank"), values)).toBeLessThan(
      70 * EPS * frobenius(a),
    );
    let [left, right] = [0, 0];
    for (let i = 0; i < 70; i++) {
      left += Math.log(at(R.data, i * 71));
      right += Math.log(at(values.data, i));
    }
    expect(left).toBeNear(right, { atol: 1e-10 });
  });

  run("a triangle grows: rows above it give the triangle of all rows", () => {
    for (const [first, second, columns] of [
      [100, 90, 80],
      [300, 7, 150],
      [20, 10, 70],
    ] as const) {
      const a = random(first + second, columns, 11);
      const top = reference.slice(a, "row", 0, first);
      const more = reference.slice(a, "row", first, first + second);
      const grown = triangle(reference.concat([more, triangle(top)], "row"));
      check(a, grown);
      expect(apart(grown, triangle(a))).toBeLessThan(1e-11);
    }
  });

  run("a triangle is its own, whatever zeros stand above or below", () => {
    const R = triangle(random(90, 70, 3));
    expect(apart(triangle(R), R)).toBeLessThan(1e-14 * frobenius(R));
    const zeros = generate(40, 70, () => 0);
    expect(apart(triangle(reference.concat([R, zeros], "row")), R)).toBeLessThan(1e-13);
    expect(apart(triangle(reference.concat([zeros, R], "row")), R)).toBeLessThan(1e-12);
  });

  run("columns of zeros, columns that are sums of others, nothing at all", () => {
    const zero = generate(50, 40, () => 0);
    expect(triangle(zero).data.every((x) => Object.is(Math.abs(x), 0))).toBe(true);
    const gaps = generate(60, 50, (i, j) => (j % 3 === 0 ? 0 : Math.sin(1 + i * i + 7 * j)));
    check(gaps, triangle(gaps));
    const flat = generate(60, 50, (i, j) => Math.sin(i) * (j + 1) + Math.cos(3 * i) * j * j);
    const R = triangle(flat);
    check(flat, R);
    for (let i = 2; i < 50; i++) expect(at(R.data, i * 51)).toBeLessThan(1e-12 * frobenius(flat));
    for (const [row, column, beside, height] of [
      [0, 3, 0, 0],
      [3, 0, 0, 0],
      [5, 3, 3, 0],
      [0, 0, 0, 0],
    ] as const) {
      const none = triangle(
        generate(row, column, () => 1),
        beside,
      );
      expect(none.shape).toEqual({ row: height, column });
    }
  });

  run("very large and very small numbers", () => {
    for (const factor of [1e-300, 1e-200, 1e200, 1e300]) {
      const a = random(50, 40, 8);
      const R = triangle(reference.scale(a, factor));
      expect(apart(reference.scale(R, 1 / factor), triangle(a))).toBeLessThan(1e-12);
    }
  });

  run("a batch is its matrices one by one, in any memory order, float32 too", () => {
    const a = random(12 * 9, 6, 4);
    const data = Float32Array.from(a.data);
    const batch = tensor({ column: 9, head: 6, row: 12 }, data);
    const R = linear.triangle(batch, "row", "column", 2);
    expect(Object.entries(R.shape)).toEqual([
      ["head", 6],
      ["row", 7],
      ["column", 9],
    ]);
    const ordered = inOrder(batch, ["head", "row", "column"]);
    for (let head = 0; head < 6; head++) {
      const one = triangle(member(ordered, "head", head), 2);
      expect(apart(member(R, "head", head), one)).toBe(0);
    }
  });

  run("what is refused", () => {
    const bad = matrix(2, 2, [1, 2, Number.NaN, 4]);
    expect(() => triangle(bad)).toThrow(/triangle: .*finite.*row 1, column 0/);
    expect(() => triangle(random(3, 2, 1), 3)).toThrow(/0 to 2 columns beside/);
    expect(() => linear.triangle(bad, "row", "row")).toThrow(/each axis once/);
  });

  run("does not change what it is given", () => {
    const a = random(40, 30, 6);
    const before = a.data.slice();
    triangle(a);
    expect(a.data).toEqual(before);
  });
});

test.skipIf(system === undefined)(
  system === undefined ? `both are the same ${skipped}` : "both are the same",
  () => {
    const a = random(300, 150, 9);
    const [own, other] = implementations.map(([, linear]) =>
      linear?.triangle(a, "row", "column", 20),
    );
    if (own === undefined || other === undefined) throw new Error("Both were there a moment ago.");
    expect(apart(own, other)).toBeLessThan(1e-12);
  },
);
