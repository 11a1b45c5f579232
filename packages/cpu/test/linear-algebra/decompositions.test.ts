import { inOrder, type Tensor, tensor } from "@resolvent/tensor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLinearAlgebra } from "../../src/linear-algebra/linear-algebra.ts";
import {
  at,
  drawn,
  EPS,
  frobenius,
  generate,
  largest,
  matrix,
  member,
  random,
  randomSymmetric,
  rebuilt,
  skewness,
  sumOf,
} from "./matrices.ts";

const linear = await createLinearAlgebra();
const svd = (a: Tensor) => linear.svd(a, "row", "column", "rank");
const singularValues = (a: Tensor) => linear.singularValues(a, "row", "column", "rank");
const symmetricEigen = (a: Tensor) => linear.symmetricEigen(a, "row", "column", "rank");
const eigenvalues = (a: Tensor) => linear.eigenvalues(a, "row", "column", "rank");

const size = fc.integer({ min: 1, max: 40 });
const seed = fc.integer({ min: 0, max: 2 ** 31 });

/** Largest difference of entries. */
function apart(a: Tensor, b: Tensor): number {
  expect(Object.entries(a.shape)).toEqual(Object.entries(b.shape));
  return largest(Float64Array.from(a.data, (x, i) => x - at(b.data, i)));
}

describe("by hand", () => {
  test("singular values √45 and √5", () => {
    const { U, S, V } = svd(matrix(2, 2, [3, 0, 4, 5]));
    expect(S.data).toBeNear([Math.sqrt(45), Math.sqrt(5)], { rtol: 1e-15 });
    // Up to signs, U = (1, 3; 3, −1)/√10 and V = (1, 1; 1, −1)/√2.
    const [u, v] = [Math.sqrt(0.1), Math.SQRT1_2];
    expect(U.data.map(Math.abs)).toBeNear([u, 3 * u, 3 * u, u], { rtol: 1e-15 });
    expect(V.data.map(Math.abs)).toBeNear([v, v, v, v], { rtol: 1e-15 });
    expect(Object.entries(U.shape)).toEqual([
      ["row", 2],
      ["rank", 2],
    ]);
  });

  test("one row, one column, one number", () => {
    expect(svd(matrix(1, 2, [3, -4])).S.data).toEqual(new Float64Array([5]));
    expect(singularValues(matrix(2, 1, [3, -4])).data).toEqual(new Float64Array([5]));
    const { U, S, V } = svd(matrix(1, 1, [-7]));
    expect([at(S.data, 0), at(U.data, 0) * at(V.data, 0)]).toEqual([7, -1]);
    expect(symmetricEigen(matrix(1, 1, [-7])).values.data).toEqual(new Float64Array([-7]));
    expect(eigenvalues(matrix(1, 1, [-7])).re.data).toEqual(new Float64Array([-7]));
  });

  test("symmetric: 1 and 3 along (1, −1) and (1, 1)", () => {
    const { values, vectors } = symmetricEigen(matrix(2, 2, [2, 1, 1, 2]));
    expect(values.data).toBeNear([1, 3], { rtol: 1e-15 });
    const [a, b, c, d] = vectors.data as unknown as [number, number, number, number]; // 2 × 2
    expect([a * c, b * d]).toBeNear([-0.5, 0.5], { rtol: 1e-15 });
  });

  test("general: ±i; 2 ± 3i; 5, −1, and the order", () => {
    const turn = eigenvalues(matrix(2, 2, [0, -1, 1, 0]));
    expect([...turn.re.data, ...turn.im.data]).toEqual([0, 0, 1, -1]);
    // Absolute values: 5, √13 twice, 2, 2, 1.
    const a = generate(6, 6, () => 0);
    const put = (i: number, j: number, x: number): void => {
      a.data[6 * i + j] = x;
    };
    put(0, 0, -2);
    put(1, 1, 2);
    put(2, 2, 2);
    put(2, 3, 3);
    put(3, 2, -3);
    put(3, 3, 2);
    put(4, 4, 5);
    put(5, 5, -1);
    const { re, im } = eigenvalues(a);
    expect(re.data).toEqual(new Float64Array([5, 2, 2, 2, -2, -1]));
    expect(im.data).toBeNear([0, 3, -3, 0, 0, 0], { rtol: 1e-15 });
  });

  test("a singular vector of rank one is found in any memory order, float32 too", () => {
    const a = tensor({ column: 2, row: 3 }, new Float32Array([3, 0, 4, 6, 0, 8]));
    const { U, S, V } = svd(a);
    expect(S.data).toBeNear([Math.sqrt(125), 0], { rtol: 1e-15 });
    const sign = Math.sign(at(U.data, 0));
    expect([0, 2, 4].map((i) => sign * at(U.data, i))).toBeNear([0.6, 0, 0.8], { rtol: 1e-15 });
    expect([0, 2].map((i) => sign * at(V.data, i))).toBeNear([Math.sqrt(0.2), Math.sqrt(0.8)], {
      rtol: 1e-15,
    });
    expect(S.data).toBeInstanceOf(Float64Array);
  });

  test("nothing: no rows, no columns, no matrices", () => {
    const { U, S, V } = svd(tensor({ row: 3, column: 0 }, []));
    expect([U.shape, S.shape, V.shape]).toEqual([
      { row: 3, rank: 0 },
      { rank: 0 },
      { column: 0, rank: 0 },
    ]);
    expect([U.data.length, S.data.length, V.data.length]).toEqual([0, 0, 0]);
    const none = tensor({ head: 0, row: 2, column: 2 }, []);
    expect(singularValues(none).shape).toEqual({ head: 0, rank: 2 });
    expect(symmetricEigen(none).vectors.data.length).toBe(0);
    expect(eigenvalues(tensor({ row: 0, column: 0 }, [])).re.shape).toEqual({ rank: 0 });
  });
});

describe("laws", () => {
  test("U·S·Vᵀ is the matrix, U and V are orthonormal, S descends", () => {
    fc.assert(
      fc.property(size, size, seed, (m, n, from) => {
        const a = random(m, n, from);
        const { U, S, V } = svd(a);
        // Of 20,000 matrices of 3 × 3 the worst is 24 EPS·‖A‖ off, and 26 by LAPACK; larger ones are less.
        expect(apart(rebuilt(U, S, V), a)).toBeLessThan(100 * EPS * frobenius(a));
        expect(Math.max(skewness(U), skewness(V))).toBeLessThan(1e-13);
        expect(S.data.every((x, i) => x >= (S.data[i + 1] ?? 0))).toBe(true);
        expect(apart(singularValues(a), S)).toBeLessThan(2 * (m + n) * EPS * frobenius(a));
      }),
      { numRuns: 60 },
    );
  });

  test("Σ S² = ‖A‖², ∏ S = |det A|, of triangular matrices", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), seed, (n, from) => {
        const { data } = random(n, n, from);
        const a = generate(n, n, (i, j) => (j < i ? 0 : at(data, i * n + j) + (i === j ? 3 : 0)));
        const S = singularValues(a).data;
        expect(sumOf(S, (x) => x * x)).toBeNear(frobenius(a) ** 2, { rtol: 1e-13 });
        let determinant = 1;
        for (let i = 0; i < n; i++) determinant *= at(a.data, i * n + i);
        let product = 1;
        for (const x of S) product *= x;
        expect(product).toBeNear(determinant, { rtol: 1e-12 });
      }),
      { numRuns: 60 },
    );
  });

  test("permuted rows and columns, a transpose, a power of 2: the same singular values", () => {
    fc.assert(
      fc.property(size, size, seed, fc.integer({ min: -250, max: 250 }), (m, n, from, power) => {
        const a = random(m, n, from);
        const S = singularValues(a);
        const limit = 2 * (m + n) * EPS * frobenius(a);
        const turned = generate(m, n, (i, j) => at(a.data, (m - 1 - i) * n + ((j + 1) % n)));
        expect(apart(singularValues(turned), S)).toBeLessThanOrEqual(limit);
        // The same bits after an exact scaling; and a transpose is the same matrix by the other names.
        expect(singularValues({ ...a, data: a.data.map((x) => x * 2 ** power) }).data).toEqual(
          S.data.map((x) => x * 2 ** power),
        );
        const { U, V } = svd(a);
        const swapped = linear.svd(a, "column", "row", "rank");
        if (m !== n) expect([swapped.U, swapped.V]).toEqual([V, U]);
      }),
      { numRuns: 40 },
    );
  });

  test("symmetric: V·λ·Vᵀ is the matrix, λ ascends, Σ λ is the trace, |λ| are the singular values", () => {
    fc.assert(
      fc.property(size, seed, (n, from) => {
        const a = randomSymmetric(n, from);
        const { values, vectors } = symmetricEigen(a);
        const limit = 4 * n * EPS * frobenius(a);
        expect(apart(rebuilt(vectors, values, vectors), a)).toBeLessThanOrEqual(limit);
        expect(skewness(vectors)).toBeLessThan(1e-13);
        const { data } = values;
        expect(data.every((x, i) => i === 0 || x >= at(data, i - 1))).toBe(true);
        const trace = sumOf(data);
        const diagonal = Array.from(data.keys(), (i) => at(a.data, i * n + i));
        const expected = diagonal.reduce((sum, x) => sum + x, 0);
        expect(Math.abs(trace - expected)).toBeLessThanOrEqual(limit);
        const sizes = data.map(Math.abs).sort((x, y) => y - x);
        expect(apart({ ...values, data: sizes }, singularValues(a))).toBeLessThanOrEqual(limit);
        const general = eigenvalues(a);
        expect(largest(general.im.data)).toBeLessThanOrEqual(limit);
        expect(
          apart({ ...values, data: general.re.data.slice().sort() }, values),
        ).toBeLessThanOrEqual(limit);
      }),
      { numRuns: 60 },
    );
  });

  test("general: Σ λ and Σ λ² are traces, pairs are conjugate neighbours, sizes descend", () => {
    fc.assert(
      fc.property(size, seed, (n, from) => {
        const a = random(n, n, from);
        const { re, im } = eigenvalues(a);
        let [trace, square, sum, squares] = [0, 0, 0, 0];
        for (let i = 0; i < n; i++) {
          trace += at(a.data, i * n + i);
          for (let j = 0; j < n; j++) square += at(a.data, i * n + j) * at(a.data, j * n + i);
          sum += at(re.data, i);
          squares += at(re.data, i) ** 2 - at(im.data, i) ** 2;
        }
        const norm = frobenius(a);
        expect(Math.abs(sum - trace)).toBeLessThanOrEqual(4 * n * EPS * norm);
        expect(Math.abs(squares - square)).toBeLessThanOrEqual(8 * n * EPS * norm ** 2);
        let before = Number.POSITIVE_INFINITY;
        for (let i = 0; i < n; i++) {
          const [x, y] = [at(re.data, i), at(im.data, i)];
          expect(Math.hypot(x, y)).toBeLessThanOrEqual(before);
          before = Math.hypot(x, y);
          if (y === 0) continue;
          expect(y).toBeGreaterThan(0);
          i++;
          expect([at(re.data, i), at(im.data, i)]).toEqual([x, -y]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("a batch is its matrices one by one, in any memory order", () => {
    const shape = { layer: 2, row: 9, head: 3, column: 9 };
    const a = tensor(shape, drawn(2 * 9 * 3 * 9, 77));
    const same = inOrder(a, ["column", "head", "layer", "row"]);
    const symmetric = tensor(
      shape,
      Float64Array.from(a.data, (x, k) => {
        const [column, head, row, layer] = [
          k % 9,
          Math.floor(k / 9) % 3,
          Math.floor(k / 27) % 9,
          Math.floor(k / 243),
        ];
        return x + at(a.data, layer * 243 + column * 27 + head * 9 + row);
      }),
    );
    const whole = { ...svd(a), ...eigenvalues(a), ...symmetricEigen(symmetric) };
    expect(svd(same).S.shape).toEqual({ head: 3, layer: 2, rank: 9 });
    for (let layer = 0; layer < 2; layer++) {
      for (let head = 0; head < 3; head++) {
        const pick = (t: Tensor): Tensor => member(member(t, "layer", layer), "head", head);
        const one = {
          ...svd(pick(a)),
          ...eigenvalues(pick(a)),
          ...symmetricEigen(pick(symmetric)),
        };
        expect(Object.keys(one)).toEqual(["U", "S", "V", "re", "im", "values", "vectors"]);
        for (const [name, t] of Object.entries(one)) {
          expect(pick(whole[name as keyof typeof whole]), name).toEqual(t); // both have the same keys
        }
        expect(pick(svd(same).U)).toEqual(one.U);
      }
    }
  });

  test("calls do not disturb one another", () => {
    const a = random(30, 30, 5);
    const first = svd(a);
    const kept = structuredClone(first);
    eigenvalues(random(64, 64, 6));
    svd(random(3, 90, 7));
    expect(first).toEqual(kept);
    expect(svd(a)).toEqual(kept);
  });
});

describe("at the size of a small model", () => {
  test("768 × 768: singular values and vectors", () => {
    const a = random(768, 768, 1);
    const { U, S, V } = svd(a);
    const limit = 768 * EPS * frobenius(a);
    // A·v = s·u and Aᵀ·u = s·v of some, which takes less time than all of them.
    for (const r of [0, 1, 383, 766, 767]) {
      let [right, left] = [0, 0];
      for (let i = 0; i < 768; i++) {
        let [x, y] = [0, 0];
        for (let j = 0; j < 768; j++) {
          x += at(a.data, i * 768 + j) * at(V.data, j * 768 + r);
          y += at(a.data, j * 768 + i) * at(U.data, j * 768 + r);
        }
        right = Math.max(right, Math.abs(x - at(S.data, r) * at(U.data, i * 768 + r)));
        left = Math.max(left, Math.abs(y - at(S.data, r) * at(V.data, i * 768 + r)));
      }
      expect(Math.max(left, right), `value ${r}`).toBeLessThan(limit);
    }
    const squares = sumOf(S.data, (x) => x * x);
    expect(squares).toBeNear(frobenius(a) ** 2, { rtol: 1e-13 });
    expect(apart(singularValues(a), S)).toBeLessThan(limit);
  }, 120_000);

  test("768 × 768: symmetric and general eigenvalues", () => {
    const a = randomSymmetric(768, 2);
    const { values, vectors } = symmetricEigen(a);
    const limit = 768 * EPS * frobenius(a);
    for (const r of [0, 1, 383, 766, 767]) {
      for (let i = 0; i < 768; i += 7) {
        let x = 0;
        for (let j = 0; j < 768; j++) x += at(a.data, i * 768 + j) * at(vectors.data, j * 768 + r);
        expect(Math.abs(x - at(values.data, r) * at(vectors.data, i * 768 + r))).toBeLessThan(
          limit,
        );
      }
    }
    const general = eigenvalues(a);
    expect(apart({ ...values, data: general.re.data.slice().sort() }, values)).toBeLessThan(limit);
    expect(largest(general.im.data)).toBeLessThan(limit);
  }, 120_000);

  test("far taller than wide: 3000 × 100", () => {
    const a = random(3000, 100, 3);
    const { U, S, V } = svd(a);
    expect(apart(rebuilt(U, S, V), a)).toBeLessThan(100 * EPS * frobenius(a));
    expect(Math.max(skewness(U), skewness(V))).toBeLessThan(1e-13);
  }, 120_000);
});
