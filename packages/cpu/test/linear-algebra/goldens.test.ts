import type { Tensor } from "@resolvent/tensor";
import { describe, expect, test } from "vitest";
import { createLinearAlgebra } from "../../src/linear-algebra/linear-algebra.ts";
import { type ComplexGolden, goldens, matrixOf } from "./goldens.ts";
import { at, EPS, frobenius, matrix, rebuilt, skewness } from "./matrices.ts";

const linear = await createLinearAlgebra();

/** Two backward-stable methods differ by this much of the norm, at most, and by rounding to the smallest number. */
const bound = (a: Tensor): number =>
  4 * Math.max(...Object.values(a.shape)) * EPS * frobenius(a) + Number.MIN_VALUE;

/** The largest difference; NaN where there is one in either. */
function worst(got: Tensor["data"], expected: readonly number[]): number {
  expect(got.length).toBe(expected.length);
  return expected.reduce((most, y, i) => {
    const error = Math.abs(at(got, i) - y);
    return error > most || Number.isNaN(error) ? error : most;
  }, 0);
}

/** Huge and tiny numbers are brought near 1 by a power of 2, so that checks of products can be made. */
function tamed(a: Tensor): { factor: number; a: Tensor } {
  const size = frobenius(a);
  if (size === 0 || (size > 1e-100 && size < 1e100)) return { factor: 1, a };
  const factor = 2 ** Math.max(-1000, Math.min(1000, -Math.round(Math.log2(size))));
  return { factor, a: { shape: a.shape, data: a.data.map((x) => x * factor) } };
}

describe("singular values are those of LAPACK", () => {
  for (const golden of goldens.svd) {
    test(golden.name, () => {
      const a = matrixOf(golden.matrix);
      const { U, S, V } = linear.svd(a, "row", "column", "rank");
      expect(worst(S.data, golden.values)).toBeLessThanOrEqual(bound(a));
      const alone = linear.singularValues(a, "row", "column", "rank");
      expect(worst(alone.data, golden.values)).toBeLessThanOrEqual(bound(a));

      expect(skewness(U)).toBeLessThan(1e-13);
      expect(skewness(V)).toBeLessThan(1e-13);
      const { factor, a: near } = tamed(a);
      const again = rebuilt(U, { ...S, data: S.data.map((x) => x * factor) }, V);
      expect(worst(again.data, Array.from(near.data))).toBeLessThanOrEqual(
        bound(near) + Number.MIN_VALUE * factor,
      );
    });
  }
});

describe("singular values of bidiagonal matrices are right to the last digits, however small", () => {
  for (const { name, matrix: written, exact } of goldens.svd) {
    if (exact === undefined) continue;
    test(name, () => {
      const a = matrixOf(written);
      const { S } = linear.svd(a, "row", "column", "rank");
      expect(relative(S, exact)).toBeLessThan(1e-13);
      expect(relative(linear.singularValues(a, "row", "column", "rank"), exact)).toBeLessThan(
        1e-13,
      );
    });
  }

  function relative(got: Tensor, exact: readonly number[]): number {
    expect(exact.every((x) => x > 0)).toBe(true);
    return worst(
      got.data.map((x, i) => x / at(exact, i)),
      exact.map(() => 1),
    );
  }
});

describe("eigenvalues of symmetric matrices are those of LAPACK", () => {
  for (const golden of goldens.symmetric) {
    test(golden.name, () => {
      const a = matrixOf(golden.matrix);
      const { values, vectors } = linear.symmetricEigen(a, "row", "column", "rank");
      expect(worst(values.data, golden.exact ?? golden.values)).toBeLessThanOrEqual(bound(a));
      expect(skewness(vectors)).toBeLessThan(1e-13);
      const { factor, a: near } = tamed(a);
      const scaled = { ...values, data: values.data.map((x) => x * factor) };
      const again = rebuilt(vectors, scaled, vectors);
      expect(worst(again.data, Array.from(near.data))).toBeLessThanOrEqual(bound(near));
    });
  }
});

describe("eigenvalues of general matrices are those of LAPACK", () => {
  for (const golden of goldens.general) {
    test(golden.name, () => {
      const a = matrixOf(golden.matrix);
      const { re, im } = linear.eigenvalues(a, "row", "column", "rank");
      expect(distance(golden, re, im)).toBeLessThanOrEqual(golden.tolerance);
    });
  }

  test("of the transpose too", () => {
    for (const golden of goldens.general) {
      const a = matrixOf(golden.matrix);
      const { re, im } = linear.eigenvalues(a, "column", "row", "rank");
      expect(distance(golden, re, im), golden.name).toBeLessThanOrEqual(golden.tolerance);
    }
  });

  /** The farthest that an eigenvalue is from the one it is matched with, nearest pairs first. */
  function distance(golden: ComplexGolden, re: Tensor, im: Tensor): number {
    expect(re.data.length).toBe(golden.re.length);
    const left = new Set(golden.re.keys());
    let most = 0;
    for (const i of re.data.keys()) {
      let best = Number.POSITIVE_INFINITY;
      let match = -1;
      for (const j of left) {
        const d = Math.hypot(at(re.data, i) - at(golden.re, j), at(im.data, i) - at(golden.im, j));
        if (d < best) {
          best = d;
          match = j;
        }
      }
      left.delete(match);
      most = Math.max(most, best);
    }
    return most;
  }
});

test("the goldens cover what is hard", () => {
  expect([goldens.svd, goldens.symmetric, goldens.general].map((list) => list.length)).toEqual([
    34, 19, 32,
  ]);
  // That a defective eigenvalue moves by the k-th root of rounding is in the matrix, not in the method.
  const block = goldens.general.find(({ name }) => name === "Jordan block of 6, turned");
  expect(block?.tolerance).toBeGreaterThan(1e-3);
  expect(matrixOf({ rows: 1, columns: 2, data: [3, 4] })).toEqual(matrix(1, 2, [3, 4]));
});
