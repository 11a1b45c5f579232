import fc from "fast-check";
import { expect, test } from "vitest";
import { sparsify, uniform } from "../src/methods/index.ts";
import { largest } from "../src/methods/select.ts";

/** Few values, so that many are equal; and any. */
const entries = fc.oneof(
  fc.array(fc.constantFrom(0, -0, 1, -1, 0.5, -0.5, 2 ** -1074, -1e300), {
    minLength: 1,
    maxLength: 40,
  }),
  fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 40 }),
);

test("the largest are those of a stable sort by magnitude", () => {
  fc.assert(
    fc.property(entries, fc.nat(45), (values, k) => {
      const order = values
        .map((_, i) => i)
        .sort((a, b) => Math.abs(values[b] ?? 0) - Math.abs(values[a] ?? 0) || a - b);
      const first = new Set(order.slice(0, k));
      const expected = values.map((_, i) => (first.has(i) ? 1 : 0));
      expect([...largest(Float64Array.from(values), k)]).toEqual(expected);
    }),
  );
});

test("by both ends as many stay as the density says, whatever gamma is", () => {
  fc.assert(
    fc.property(
      entries,
      fc.double({ min: 0.05, max: 0.99, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, density, gamma) => {
        const kept = Math.floor(density * values.length);
        fc.pre(kept > 0);
        const delta = Float64Array.from(values, (value) => value || 3); // no zeros: what stays is counted by them
        const out = sparsify(delta, "ends", { density, gamma, row: values.length });
        expect(out.filter((value) => value !== 0)).toHaveLength(kept);
      },
    ),
  );
});

test("DARE by the paper: what stays is divided by the density, so that the mean stays", () => {
  const n = 40_000;
  const draw = uniform({ seed: 3, tensor: "x", model: 1 }, n);
  const out = sparsify(new Float64Array(n).fill(1), "random", {
    density: 0.3,
    row: 200,
    uniform: () => draw,
    rescale: "probability",
  });
  expect(new Set(out)).toEqual(new Set([0, 1 / 0.3]));
  const mean = out.reduce((a, b) => a + b, 0) / n;
  expect(mean).toBeNear(1, { rtol: 0, atol: 4 * Math.sqrt(0.7 / 0.3 / n) }); // four standard errors
});

test("DELLA by the paper: the largest of a row stay more often, each divided by its own probability", () => {
  const [row, rows] = [5, 8000];
  const delta = Float64Array.from({ length: row * rows }, (_, i) => (i % row) + 1);
  const draw = uniform({ seed: 4, tensor: "x", model: 0 }, delta.length);
  const out = sparsify(delta, "rank", {
    density: 0.5,
    epsilon: 0.4,
    row,
    uniform: () => draw,
    rescale: "probability",
  });
  for (let j = 0; j < row; j++) {
    const probability = 0.5 - 0.4 + (0.8 * j) / (row - 1);
    const own = out.filter((_, i) => i % row === j);
    expect(own.filter((value) => value !== 0).length / rows).toBeNear(probability, {
      rtol: 0,
      atol: 4 * Math.sqrt((probability * (1 - probability)) / rows),
    });
    expect(new Set(own)).toEqual(new Set([0, (j + 1) / probability]));
  }
});

test("random numbers depend on seed, tensor and model, and on the place alone", () => {
  const draw = { seed: 42, tensor: "lm_head.weight", model: 0 };
  const long = uniform(draw, 1001);
  expect(uniform(draw, 10)).toEqual(long.slice(0, 10));
  for (const other of [{ seed: 43 }, { tensor: "lm_head.bias" }, { model: 1 }]) {
    expect(uniform({ ...draw, ...other }, 10)).not.toEqual(long.slice(0, 10));
  }
});
