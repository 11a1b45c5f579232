import { type LinearAlgebra, reference, type Shape, type Tensor } from "@resolvent/tensor";
import { Draw } from "@resolvent/testkit/engines";
import { beforeAll, describe, expect, test } from "vitest";
import { openLapack } from "../src/blas/lapack.ts";
import { openNative } from "../src/blas/native.ts";
import { createCpu, createLinearAlgebra, lapackLinearAlgebra } from "../src/index.ts";

const native = openNative(undefined);
const lapack = openLapack("missing" in native ? undefined : native);
const skipped = "(skipped: no LAPACK; install one, such as apt install libopenblas0 or liblapack3)";

const draw = new Draw(5);
const random = (shape: Shape): Tensor => draw.tensor(shape);

/** The largest difference, relative to the largest number. */
function difference(a: Tensor, b: Tensor): number {
  expect(Object.entries(a.shape)).toEqual(Object.entries(b.shape));
  const numbers = Array.from(a.data, (x, i) => [x, b.data[i] ?? Number.NaN] as const);
  const largest = numbers.reduce((most, [, y]) => Math.max(most, Math.abs(y)), 0);
  const worst = numbers.reduce((most, [x, y]) => Math.max(most, Math.abs(x - y)), 0);
  return numbers.some(([x, y]) => Number.isNaN(x - y))
    ? Number.NaN
    : worst === 0
      ? 0
      : worst / largest;
}

/** Σ left · values · right over the rank. */
function rebuilt(left: Tensor, values: Tensor, right: Tensor): Tensor {
  return reference.matmul(reference.mul(left, values), right, ["rank"]);
}

/** Parts are to be right to this many units of the last place. */
const LIMIT = 1e-13;

describe.skipIf(lapack === undefined)(lapack === undefined ? `LAPACK ${skipped}` : "LAPACK", () => {
  let system: LinearAlgebra;
  let own: LinearAlgebra;
  beforeAll(async () => {
    const found = lapackLinearAlgebra({ threads: 2 });
    if (found === undefined) throw new Error("The library was found, but is not used.");
    system = found;
    own = await createLinearAlgebra();
  });

  test.each<Shape>([
    { row: 1, column: 1 },
    { row: 13, column: 8 },
    { row: 8, column: 13 },
    { column: 40, row: 70 },
    { row: 9, head: 3, column: 5 },
  ])("svd of %o", (shape) => {
    const a = random(shape);
    const { U, S, V } = system.svd(a, "row", "column", "rank");
    const expected = own.svd(a, "row", "column", "rank");
    expect(difference(S, expected.S)).toBeLessThan(LIMIT);
    expect(difference(system.singularValues(a, "row", "column", "rank"), S)).toBeLessThan(LIMIT);
    const axes = Object.keys(rebuilt(U, S, V).shape);
    expect(difference(rebuilt(U, S, V), reference.arrange(a, axes))).toBeLessThan(LIMIT);
    for (const [part, axis] of [
      [U, "row"],
      [V, "column"],
    ] as const) {
      const gram = reference.matmul(part, reference.rename(part, { rank: "other" }), [axis]);
      const identity = gram.data.map((_, at) => {
        const n = S.shape.rank as number; // asked for by that name
        return Math.floor(at / n) % n === at % n ? 1 : 0;
      });
      expect(difference(gram, { shape: gram.shape, data: identity })).toBeLessThan(LIMIT);
    }
  });

  test.each<Shape>([
    { row: 1, column: 1 },
    { row: 24, column: 24 },
    { row: 7, head: 3, column: 7 },
  ])("eigenvalues of %o, symmetric and not", (shape) => {
    const a = random(shape);
    const turned = reference.rename(a, { row: "column", column: "row" });
    const symmetric = reference.add(a, turned);
    const { values, vectors } = system.symmetricEigen(symmetric, "row", "column", "rank");
    const expected = own.symmetricEigen(symmetric, "row", "column", "rank");
    expect(difference(values, expected.values)).toBeLessThan(LIMIT);
    const other = reference.rename(vectors, { row: "column" });
    const again = rebuilt(vectors, values, other);
    const ordered = reference.arrange(symmetric, Object.keys(again.shape));
    expect(difference(again, ordered)).toBeLessThan(LIMIT);

    const general = system.eigenvalues(a, "row", "column", "rank");
    const same = own.eigenvalues(a, "row", "column", "rank");
    expect(difference(general.re, same.re)).toBeLessThan(1e-11);
    expect(difference(general.im, same.im)).toBeLessThan(1e-11);
  });

  test("very large and very small numbers, and none", () => {
    for (const factor of [1e-200, 1e200]) {
      const a = reference.scale(random({ row: 6, column: 4 }), factor);
      const { U, S, V } = system.svd(a, "row", "column", "rank");
      expect(difference(rebuilt(U, S, V), a)).toBeLessThan(LIMIT);
    }
    const none = { shape: { row: 0, column: 3 }, data: new Float64Array(0) };
    expect(system.svd(none, "row", "column", "rank").S.shape).toEqual({ rank: 0 });
  });

  test("what cannot be decomposed is refused as by the engine's own", () => {
    const bad = { shape: { row: 2, column: 2 }, data: Float64Array.of(1, 2, Number.NaN, 4) };
    expect(() => system.svd(bad, "row", "column", "rank")).toThrow(/finite.*row 1, column 0/);
    const skew = { shape: { row: 2, column: 2 }, data: Float64Array.of(1, 2, 3, 4) };
    expect(() => system.symmetricEigen(skew, "row", "column", "rank")).toThrow(/symmetric/);
  });

  test("is what an engine decomposes with, unless it is switched off", async () => {
    const a = random({ row: 6, column: 4 });
    const same = (one: Tensor, other: Tensor) => expect(one).toEqual(other);
    for (const [options, linear] of [
      [{ threads: 1 }, lapackLinearAlgebra({ threads: 1 })],
      [{ threads: 1, blas: "off" }, own],
    ] as const) {
      const cpu = await createCpu(options);
      const { U, S } = (await cpu.linearAlgebra()).svd(a, "row", "column", "rank");
      const expected = linear?.svd(a, "row", "column", "rank");
      if (expected === undefined) throw new Error("LAPACK was there a moment ago");
      same(S, expected.S);
      same(U, expected.U);
      await cpu.close();
    }
  });

  test("none where it is switched off", () => {
    expect(lapackLinearAlgebra({ blas: "off" })).toBeUndefined();
  });
});
