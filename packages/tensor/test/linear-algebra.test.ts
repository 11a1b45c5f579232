import { type InputError, isInputError } from "@resolvent/tensor";
import { eigenShape, svdShape, triangleShape } from "@resolvent/tensor/rules";
import { expect, test } from "vitest";

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

test("the parts of a matrix: batch axes first, in their order, then the side, then the rank", () => {
  const shapes = svdShape({ out: 5, head: 2, in: 3, layer: 4 }, "in", "out", "rank");
  expect(Object.entries(shapes.batch)).toEqual([
    ["head", 2],
    ["layer", 4],
  ]);
  expect(Object.entries(shapes.U)).toEqual([
    ["head", 2],
    ["layer", 4],
    ["in", 3],
    ["rank", 3],
  ]);
  expect(Object.entries(shapes.S)).toEqual([
    ["head", 2],
    ["layer", 4],
    ["rank", 3],
  ]);
  expect(Object.entries(shapes.V)).toEqual([
    ["head", 2],
    ["layer", 4],
    ["out", 5],
    ["rank", 3],
  ]);
});

test("eigenvalues and vectors of square matrices", () => {
  const { batch, values, vectors } = eigenShape({ a: 3, head: 2, b: 3 }, "a", "b", "rank", "test");
  expect(Object.entries(batch)).toEqual([["head", 2]]);
  expect(Object.entries(values)).toEqual([
    ["head", 2],
    ["rank", 3],
  ]);
  expect(Object.entries(vectors)).toEqual([
    ["head", 2],
    ["a", 3],
    ["rank", 3],
  ]);
});

test("triangles: no more rows than there are columns to make triangular", () => {
  const { batch, R, reflected } = triangleShape({ column: 5, head: 2, row: 9 }, "row", "column", 2);
  expect(Object.entries(batch)).toEqual([["head", 2]]);
  expect(Object.entries(R)).toEqual([
    ["head", 2],
    ["row", 3],
    ["column", 5],
  ]);
  expect(reflected).toBe(3);
  expect(triangleShape({ row: 2, column: 5 }, "row", "column").R).toEqual({ row: 2, column: 5 });
  for (const beside of [-1, 6, 0.5, Number.NaN]) {
    const error = caught(() => triangleShape({ row: 2, column: 5 }, "row", "column", beside));
    expect([error.code, error.details.columns]).toEqual(["tensor/bad-beside", 5]);
  }
  expect(caught(() => triangleShape({ row: 2 }, "row", "row")).code).toBe("tensor/repeated-axis");
  expect(caught(() => triangleShape({ row: 2 }, "row", "b")).code).toBe("tensor/no-axis");
});

test("what cannot be a matrix", () => {
  const shape = { head: 2, a: 3, b: 4 };
  const missing = caught(() => svdShape(shape, "a", "c", "rank"));
  expect([missing.code, missing.details.axis]).toEqual(["tensor/no-axis", "c"]);
  for (const [rows, columns, rank, twice] of [
    ["a", "a", "rank", "a"],
    ["a", "b", "a", "a"],
    ["a", "b", "b", "b"],
    ["a", "b", "head", "head"],
  ] as const) {
    const error = caught(() => svdShape(shape, rows, columns, rank));
    expect([error.code, error.details.axis]).toEqual(["tensor/repeated-axis", twice]);
  }
  expect(caught(() => svdShape(shape, "a", "b", "0")).code).toBe("tensor/bad-axis");
  const oblong = caught(() => eigenShape(shape, "a", "b", "rank", "eigenvalues"));
  expect(oblong.code).toBe("tensor/not-square");
  expect(oblong.details).toEqual({
    where: "eigenvalues",
    row: "a",
    column: "b",
    rows: 3,
    columns: 4,
  });
});
