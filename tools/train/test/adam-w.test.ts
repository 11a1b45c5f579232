import { reference, type Tensor } from "@resolvent/tensor";
import { describe, expect, test } from "vitest";
import { type AdamWOptions, adamWStart, adamWStep, squaredNorm } from "../src/adam-w.ts";

const options: AdamWOptions = { beta1: 0.9, beta2: 0.98, eps: 1e-8, decay: 0.1, clip: Infinity };

const row = (...data: number[]): Tensor => reference.constant({ d_model: data.length }, data);
const matrix = (...data: number[]): Tensor => reference.constant({ out: 1, in: data.length }, data);
const numbers = (t: Tensor | undefined): number[] => Array.from(t?.data ?? []);

const normOf = (gradients: ReadonlyMap<string, Tensor>): number =>
  Math.sqrt(squaredNorm(reference, gradients).data[0] ?? Number.NaN);

describe("two steps by hand", () => {
  // Kingma and Ba 2015, algorithm 1, with the numbers written out. Step 1: m̂ = g and v̂ = g², so every entry moves
  // by rate · g/(|g| + eps), whatever the size of its gradient.
  const first = new Map([["b", row(0.5, -2)]]);
  const second = new Map([["b", row(0.25, 1)]]);
  const start = adamWStart(reference, new Map([["b", row(1, 1)]]));
  const one = adamWStep(reference, start, first, { step: 1, rate: 0.1, norm: 1 }, options);

  test("the first moves by the rate against the sign", () => {
    expect(one.parameters.get("b")).toBeNear([1 - 0.1, 1 + 0.1], { rtol: 3e-8 });
    const exact = [1 - (0.1 * 0.5) / (0.5 + 1e-8), 1 + (0.1 * 2) / (2 + 1e-8)];
    expect(one.parameters.get("b")).toBeNear(exact, { rtol: 1e-15 });
    expect(one.first.get("b")).toBeNear([0.05, -0.2], { rtol: 1e-15 });
    expect(one.second.get("b")).toBeNear([0.02 * 0.25, 0.02 * 4], { rtol: 1e-15 });
  });

  test("the second by the corrected moments", () => {
    const two = adamWStep(reference, one, second, { step: 2, rate: 0.01, norm: 1 }, options);
    // m = 0.9·(0.05, −0.2) + 0.1·(0.25, 1); v = 0.98·(0.005, 0.08) + 0.02·(0.0625, 1)
    expect(two.first.get("b")).toBeNear([0.07, -0.08], { rtol: 1e-15 });
    expect(two.second.get("b")).toBeNear([0.00615, 0.0984], { rtol: 1e-15 });
    // 1 − 0.9² = 0.19, 1 − 0.98² = 0.0396
    const moved = [
      (0.01 * (0.07 / 0.19)) / (Math.sqrt(0.00615 / 0.0396) + 1e-8),
      (0.01 * (-0.08 / 0.19)) / (Math.sqrt(0.0984 / 0.0396) + 1e-8),
    ];
    const before = numbers(one.parameters.get("b"));
    expect(two.parameters.get("b")).toBeNear(
      before.map((p, i) => p - (moved[i] ?? Number.NaN)),
      { rtol: 1e-15 },
    );
    expect(moved).toBeNear([0.0093488, -0.00267107], { rtol: 1e-5 });
  });

  test("leave what they were given as it was", () => {
    expect(numbers(start.parameters.get("b"))).toEqual([1, 1]);
    expect(numbers(start.first.get("b"))).toEqual([0, 0]);
    expect(numbers(start.second.get("b"))).toEqual([0, 0]);
  });
});

test("only matrices decay, by rate · decay, and not through the moments", () => {
  const start = adamWStart(
    reference,
    new Map([
      ["w", matrix(2, -4)],
      ["b", row(2, -4)],
    ]),
  );
  const still = new Map([
    ["w", matrix(0, 0)],
    ["b", row(0, 0)],
  ]);
  const after = adamWStep(reference, start, still, { step: 1, rate: 0.5, norm: 0 }, options);
  expect(numbers(after.parameters.get("w"))).toEqual([2 * 0.95, -4 * 0.95]);
  expect(numbers(after.parameters.get("b"))).toEqual([2, -4]);
  expect(numbers(after.first.get("w"))).toEqual([0, 0]);
  const none = { ...options, decay: 0 };
  const kept = adamWStep(reference, start, still, { step: 1, rate: 0.5, norm: 0 }, none);
  expect(numbers(kept.parameters.get("w"))).toEqual([2, -4]);
});

describe("clipping", () => {
  const gradients = new Map([
    ["w", matrix(3, 0)],
    ["b", row(0, -4)],
  ]);
  const start = adamWStart(
    reference,
    new Map([
      ["w", matrix(1, 1)],
      ["b", row(1, 1)],
    ]),
  );
  const moments = (clip: number): readonly number[] => {
    const norm = normOf(gradients);
    const at = { step: 1, rate: 0.1, norm };
    const after = adamWStep(reference, start, gradients, at, { ...options, clip });
    return [...numbers(after.first.get("w")), ...numbers(after.first.get("b"))];
  };

  test("goes by the norm over all parameters", () => {
    expect(squaredNorm(reference, gradients).shape).toEqual({});
    expect(normOf(gradients)).toBe(5);
    expect(squaredNorm(reference, new Map()).data[0]).toBe(0);
  });

  test("shrinks all gradients alike to the largest norm", () => {
    expect(moments(1)).toBeNear([0.06, 0, 0, -0.08], { rtol: 1e-15 });
    expect(moments(2.5)).toBeNear([0.15, 0, 0, -0.2], { rtol: 1e-15 });
  });

  test("leaves smaller gradients as they are", () => {
    expect(moments(5)).toBeNear([0.3, 0, 0, -0.4], { rtol: 1e-15 });
    expect(moments(100)).toEqual(moments(5));
  });
});

test("a parameter without a gradient is a bug, not a parameter less", () => {
  const start = adamWStart(reference, new Map([["b", row(1)]]));
  const at = { step: 1, rate: 0.1, norm: 1 };
  expect(() => adamWStep(reference, start, new Map(), at, options)).toThrow(
    expect.objectContaining({ code: "train/missing-gradient" }),
  );
});
