import { InputError, InternalError, isInputError, tensor } from "@resolvent/tensor";
import { expect, test } from "vitest";
import { createCpu } from "../../src/index.ts";
import { Decompositions } from "../../src/linear-algebra/decompositions.ts";
import { createLinearAlgebra } from "../../src/linear-algebra/linear-algebra.ts";
import { loadLinearAlgebra } from "../../src/module.ts";
import { at, generate, matrix, random, randomSymmetric } from "./matrices.ts";

const linear = await createLinearAlgebra();

/** The error that `run` throws. */
function caught(run: () => unknown): InputError {
  try {
    run();
  } catch (error) {
    if (isInputError(error)) return error;
    throw error;
  }
  throw new Error("Nothing was thrown.");
}

test("a number that is not finite is named with its place, in every memory order", () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const data = new Float64Array(2 * 3 * 3);
    data[9 + 3 * 1 + 2] = bad;
    const a = tensor({ head: 2, out: 3, in: 3 }, data);
    for (const run of [
      () => linear.svd(a, "in", "out", "rank"),
      () => linear.singularValues(a, "out", "in", "rank"),
      () => linear.symmetricEigen(a, "in", "out", "rank"),
      () => linear.eigenvalues(a, "in", "out", "rank"),
    ]) {
      const error = caught(run);
      expect(error.code).toBe("cpu/not-finite");
      expect(error.details.place).toEqual({ head: 1, out: 1, in: 2 });
      expect(error.details.got).toBe(bad);
      expect(error.message).toContain("head 1, out 1, in 2");
    }
  }
});

test("a matrix that is not symmetric is refused with both numbers; rounding is not", () => {
  const a = matrix(2, 2, [1, 2, 2.5, 1]);
  const error = caught(() => linear.symmetricEigen(a, "row", "column", "rank"));
  expect(error.code).toBe("cpu/not-symmetric");
  expect(error.details).toMatchObject({ row: 1, column: 0, values: [2.5, 2] });
  expect(caught(() => linear.symmetricEigen(a, "column", "row", "rank")).details).toMatchObject({
    values: [2, 2.5],
  });
  const near = matrix(2, 2, [1, 2, 2 + 1e-6, 1]);
  const mean = matrix(2, 2, [1, 2 + 5e-7, 2 + 5e-7, 1]);
  const values = linear.symmetricEigen(near, "row", "column", "rank").values.data;
  expect(values).toBeNear(linear.symmetricEigen(mean, "row", "column", "rank").values, {
    rtol: 1e-15,
  });
});

test("shape errors come before any work", () => {
  const a = random(3, 4, 1);
  expect(caught(() => linear.eigenvalues(a, "row", "column", "rank")).code).toBe(
    "tensor/not-square",
  );
  expect(caught(() => linear.svd(a, "row", "column", "row")).code).toBe("tensor/repeated-axis");
  expect(caught(() => linear.svd(a, "row", "head", "rank")).code).toBe("tensor/no-axis");
});

test("too large a matrix is refused, and the next one is not", () => {
  // The numbers are not there: only the shape is looked at before memory is taken.
  const huge = { shape: { row: 30_000, column: 30_000 }, data: new Float64Array(0) };
  const error = caught(() => linear.svd(huge, "row", "column", "rank"));
  expect(error.code).toBe("cpu/no-memory");
  expect(error.details).toMatchObject({ rows: 30_000, columns: 30_000 });
  const S = linear.singularValues(matrix(1, 2, [3, 4]), "row", "column", "rank");
  expect(S.data).toEqual(new Float64Array([5]));
});

test("an error leaves nothing behind", () => {
  const a = random(20, 20, 2);
  const before = linear.svd(a, "row", "column", "rank");
  const bad = generate(20, 20, (i, j) => (i === 19 && j === 19 ? Number.NaN : 1));
  expect(() => linear.svd(bad, "row", "column", "rank")).toThrow(InputError);
  expect(linear.svd(a, "row", "column", "rank")).toEqual(before);
});

test("hard matrices end: every eigenvalue is found within the cap on steps", () => {
  const n = 64;
  const matrices = [
    // A cyclic permutation with a tiny link; a nilpotent with noise; all ones below the diagonal.
    generate(n, n, (i, j) => ((i + 1) % n === j ? (i === 0 ? 1e-300 : 1) : 0)),
    generate(n, n, (i, j) => (i + 1 === j ? 1 : i === n - 1 && j === 0 ? 1e-20 : 0)),
    generate(n, n, (i, j) => (i === j + 1 ? 1 : j === n - 1 ? -1 : 0)),
    generate(n, n, (i, j) => (i + j === n - 1 ? 1 : 0)),
    generate(n, n, (i, j) => 2 ** (-(i * j) % 900)),
    generate(n, n, (i, j) => (i === j ? 1e-310 : 1e-160)),
  ];
  for (const a of matrices) {
    const { re, im } = linear.eigenvalues(a, "row", "column", "rank");
    expect([...re.data, ...im.data].every(Number.isFinite)).toBe(true);
    const S = linear.singularValues(a, "row", "column", "rank").data;
    expect(S.every((x) => x >= 0 && Number.isFinite(x))).toBe(true);
    expect(at(S, 0)).toBeGreaterThanOrEqual(
      Math.hypot(at(re.data, 0), at(im.data, 0)) * (1 - 1e-12),
    );
  }
});

test("an iteration that does not converge ends with an error that names the size", async () => {
  // Numbers that are no numbers never converge; only here do they get past the check of the input.
  const decompositions = new Decompositions(await loadLinearAlgebra());
  for (const name of ["svd", "singularValues", "symmetric", "general"] as const) {
    const place = decompositions.matrix(30, 30, name);
    place.numbers.fill(Number.NaN);
    let error: unknown;
    try {
      decompositions[name](place, name);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(InternalError);
    expect(error).toMatchObject({
      code: "cpu/no-convergence",
      details: { where: name, rows: 30, columns: 30 },
    });
  }
});

test("an engine has linear algebra, made once, also after it was closed", async () => {
  const cpu = await createCpu({ threads: 1, precision: "f64", blas: "off" });
  const own = await cpu.linearAlgebra();
  expect(await cpu.linearAlgebra()).toBe(own);
  const a = randomSymmetric(12, 4);
  const held = cpu.read(cpu.constant(a.shape, a.data));
  expect(own.symmetricEigen(held, "row", "column", "rank")).toEqual(
    linear.symmetricEigen(a, "row", "column", "rank"),
  );
  await cpu.close();
  expect(own.singularValues(a, "row", "column", "rank").data.length).toBe(12);
});
