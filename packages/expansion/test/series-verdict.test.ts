import { reference, type Tensor, tensor } from "@resolvent/tensor";
import type { MlpBlock, Model } from "@resolvent/transformer";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { epsilonSeries, GATES } from "../src/index.ts";
import {
  algebraic,
  conjugate,
  even,
  exponential,
  geometric,
  judge,
  type KnownSeries,
  logarithm,
  sum,
  withFirst,
} from "./known-series.ts";

const known: readonly KnownSeries[] = [
  ...[0.3, 0.5, 0.98, 1.02, 1.5, 20].map(geometric),
  ...[0.5, 0.9, 0.97, 1.03, 1.1, 2].flatMap((radius) =>
    [-3, -1.5, -0.5, 0.5, 2.5].map((alpha) => algebraic(radius, alpha)),
  ),
  ...[0.5, 0.9, 1.1, 2].map(logarithm),
  ...[0.8, 0.95, 1.05, 1.3].flatMap((radius) =>
    [0.4, 1.3, 2, 3].flatMap((angle) => [conjugate(radius, angle, 1), conjugate(radius, angle, 2)]),
  ),
  ...[0.8, 0.98, 1.02, 1.3].map(even),
  ...[1, -3, 5, 20].map(exponential),
  sum(geometric(0.9), exponential(1), 1),
  sum(geometric(3), geometric(0.9), 1e-3),
  sum(geometric(0.5), geometric(-0.6), 1),
  sum(geometric(-1.5), geometric(1.4), 1),
];

describe("series of known radius", () => {
  test.each(known.map((one) => [one.name, one] as const))("%s: no verdict is wrong", (_, one) => {
    const right = one.radius > 1 ? "converges" : "diverges";
    for (let order = 0; order <= 20; order++) {
      const { verdict } = judge(one, order);
      expect([right, "not-shown"]).toContain(verdict);
      if (order < 6) expect(verdict).toBe("not-shown");
    }
  });

  test.each([
    [geometric(0.5), 6, "diverges"],
    [geometric(0.98), 6, "diverges"],
    [geometric(1.02), 6, "converges"],
    [geometric(20), 6, "converges"],
    [even(0.8), 6, "diverges"],
    [even(1.3), 7, "converges"],
    [conjugate(0.8, 2, 2), 6, "diverges"],
    [conjugate(1.3, 0.5, 2), 6, "converges"],
    [exponential(1), 6, "converges"],
    [exponential(-3), 20, "converges"],
    [logarithm(2), 6, "converges"],
    [algebraic(0.5, 0.5), 6, "diverges"],
    [algebraic(1.5, -3), 20, "converges"],
    [sum(geometric(0.9), exponential(1), 1), 12, "diverges"],
  ] as const)(
    "and there is one where the numbers carry it: %o to order %i %s",
    (one, order, said) => {
      expect(judge(one, order).verdict).toBe(said);
    },
  );

  test("the size of T_0 changes neither estimates nor verdict", () => {
    for (const one of known) {
      for (const order of [6, 7, 12]) {
        const { estimates, verdict } = judge(one, order);
        for (const factor of [1e6, -1e3, 1e-3, 1e-6, 0]) {
          const other = judge(withFirst(one, factor), order);
          expect(other.estimates).toEqual(estimates);
          expect([one.name, factor, other.verdict]).toEqual([one.name, factor, verdict]);
        }
      }
    }
  });

  test("nor does the size of all of them", () => {
    fc.assert(
      fc.property(fc.nat(known.length - 1), fc.integer({ min: -30, max: 30 }), (i, power) => {
        const one = known[i] as KnownSeries; // i < length
        const times = (x: number): number => x * 2 ** power;
        const scaled = {
          ...one,
          coefficient: (k: number) => one.coefficient(k).map(times),
          atOne: one.atOne.map(times),
        };
        const [found, own] = [judge(scaled, 9), judge(one, 9)];
        expect(found.verdict).toBe(own.verdict);
        const growths = ({ estimates }: typeof own) => estimates.map(({ growth }) => growth);
        expect(growths(found)).toBeNear(growths(own), { rtol: 1e-9, atol: 1e-9 });
      }),
    );
  });

  test.each([
    ["roots", geometric(0.7), 0.7],
    ["last-ratio", geometric(3), 3],
    ["domb-sykes", algebraic(0.9, -0.5), 0.9],
    ["domb-sykes", logarithm(1.1), 1.1],
    ["domb-sykes", algebraic(1.5, -3), 1.5],
    ["pole", conjugate(0.8, 2), 0.8],
    ["pole", conjugate(1.3, 0.4), 1.3],
    ["pole", even(1.02), 1.02],
    ["pole", sum(geometric(0.5), geometric(-0.6), 1), 0.5],
    ["last-ratio", even(0.98), 0.98],
  ] as const)("%s is exact for %o", (by, one, radius) => {
    const found = judge(one, 8).estimates.find((estimate) => estimate.by === by);
    expect(found?.radius ?? 0).toBeNear(radius, { rtol: 1e-9 });
    expect(found?.growth ?? 0).toBeNear(1 / radius, { rtol: 1e-9 });
  });

  test("entire functions: no finite radius, by continued ratios", () => {
    for (const c of [1, -3, 20]) {
      const found = judge(exponential(c), 10).estimates.find(({ by }) => by === "domb-sykes");
      expect(found).toEqual({ by: "domb-sykes", growth: 0, radius: null });
    }
  });

  test("a polynomial ends; zeros between do not end an even function", () => {
    const polynomial = (...numbers: number[]): KnownSeries => ({
      name: numbers.join(),
      radius: Number.POSITIVE_INFINITY,
      coefficient: (k) => [numbers[k] ?? 0],
      atOne: [numbers.reduce((a, b) => a + b)],
    });
    for (const numbers of [[1], [3, 1], [1, -20, 400], [1e6, 1, 2, 3], [1e-6, 5, 1]]) {
      const { verdict, estimates, reason } = judge(polynomial(...numbers), numbers.length + 1);
      expect([verdict, estimates]).toEqual(["ends", []]);
      expect(reason).toContain(`ends at order ${numbers.length - 1}`);
    }
    expect(judge(even(1.3), 7).verdict).toBe("converges");
    // One that ends elsewhere than at the model has lost something on its way.
    expect(judge({ ...polynomial(1, 2), atOne: [4] }, 5).verdict).toBe("not-shown");
  });

  test("a sum with another limit than the model is not said to converge to it", () => {
    for (const one of [geometric(2), exponential(1), even(1.5), conjugate(1.6, 2, 2)]) {
      const astray = { ...one, atOne: one.atOne.map((x) => x + 1e-2) };
      expect(judge(astray, 24).verdict).toBe("not-shown");
    }
  });
});

/** Two numbers to a token, one token; what a block reads is `x0 + ε c` once the first has written the constant `c`. */
const stack = (
  embedding: readonly [number, number],
  ...blocks: MlpBlock<Tensor>[]
): Model<Tensor> => ({
  name: "two numbers",
  architecture: {
    family: "by hand",
    layers: blocks.length,
    d_model: 2,
    heads: 1,
    kv_heads: 1,
    d_head: 1,
    d_mlp: 2,
    vocab: 2,
    context: 8,
    parallel: false,
    norm: "rms",
    positions: "none",
    activation: "gelu",
    gatedMlp: false,
    tied: false,
    bos: undefined,
    eos: [],
  },
  embed: { W_E: tensor({ vocab: 2, d_model: 2 }, [...embedding, 1, 2]) },
  stages: blocks.map((block) => [block]),
  final: { W_U: tensor({ d_model: 2, vocab: 2 }, [1, -1, 1, 1]) },
});

const constant = (c: readonly [number, number]): MlpBlock<Tensor> => ({
  kind: "mlp",
  name: "L0.mlp",
  layer: 0,
  activation: "gelu",
  W_in: tensor({ d_model: 2, d_mlp: 1 }, [0, 0]),
  W_out: tensor({ d_mlp: 1, d_model: 2 }, [0, 0]),
  b_out: tensor({ d_model: 2 }, c),
});

const block = (activation: "gelu" | "silu", norm: boolean): MlpBlock<Tensor> => ({
  kind: "mlp",
  name: "L1.mlp",
  layer: 1,
  activation,
  ...(norm && { norm: { kind: "rms" as const, eps: 0, scale: tensor({ d_model: 2 }, [1, 1]) } }),
  W_in: tensor({ d_model: 2, d_mlp: 2 }, [0.3, -0.2, 0.1, 0.4]),
  W_out: tensor({ d_mlp: 2, d_model: 2 }, [1, 0.5, -0.5, 1]),
});

const run = (model: Model<Tensor>, order: number, about = 0) =>
  epsilonSeries(reference, model, [0], { order, about });

describe("stacks of known radius", () => {
  // σ(x0 + ε c) is zero at |ε| = |x0|/|c|, at a pair of complex ε.
  test.each([
    [[3, 0], [0, 1], 3],
    [[2, 2], [1, 0], 2 * Math.SQRT2],
    [[1, 0], [0, 4], 0.25],
    [[0.1, 0.1], [-3, 1], 0.1 * Math.sqrt(2 / 10)],
    [[1e4, 0], [0, 1e3], 10],
    [[1e-4, 1e-4], [0, 1e-2], 1e-2 * Math.SQRT2],
  ] as const)("by the norm's zero: %o, %o", async (embedding, c, radius) => {
    for (const order of [6, 9, 14, 20]) {
      const result = await run(stack(embedding, constant(c), block("gelu", true)), order);
      expect([radius > 1 ? "converges" : "diverges", "not-shown"]).toContain(result.verdict);
      expect(result.diverges).toBe(result.verdict === "diverges");
      expect(result.warnings.some(({ code }) => code === "not-shown")).toBe(
        result.verdict === "not-shown",
      );
      const { least, largest } = result.radius;
      if (order === 20) {
        expect(least ?? 0).toBeLessThan(radius * 1.5);
        expect(largest ?? radius).toBeGreaterThan(radius / 1.5);
      }
    }
  });

  test("without a norm and by GELU it is entire: it converges, whatever the size of T_0", async () => {
    for (const size of [1e-6, 1, 1e6]) {
      const first = constant([0.5, -0.4]);
      // The second block does not read what of T_0 is large.
      const blind = {
        ...block("gelu", false),
        W_in: tensor({ d_model: 2, d_mlp: 2 }, [0, 0, 0.1, 0.4]),
        b_in: tensor({ d_mlp: 2 }, [0.3, -0.2]),
      };
      const result = await run(stack([size, 0], first, blind), 9);
      expect(result.verdict).toBe("converges");
      expect(result.diverges).toBe(false);
    }
  });

  test("silu has its poles at ±iπ", async () => {
    for (const [scale, right] of [
      [0.5, "converges"],
      [40, "diverges"],
    ] as const) {
      const result = await run(stack([0, 0], constant([scale, 0]), block("silu", false)), 16);
      expect([right, "not-shown"]).toContain(result.verdict);
    }
    const far = await run(stack([0, 0], constant([0.5, 0]), block("silu", false)), 16);
    expect(far.verdict).toBe("converges");
  });

  test("frozen it is a polynomial, to whatever order", async () => {
    const model = stack([1, 2], constant([5, -40]), block("gelu", true));
    for (const order of [0, 1, 2, 3, 6]) {
      const options = { order, freeze: GATES };
      const result = await epsilonSeries(reference, model, [0], options);
      expect([result.verdict, result.highestPower]).toEqual(["ends", 2]);
      expect(result.reason).toContain(order < 2 ? "were not computed" : "all of it was computed");
      const codes = result.warnings.map(({ code }) => code);
      expect(codes.filter((code) => code === "diverges" || code === "not-shown")).toEqual([]);
    }
  });

  test("about 1 a remark says that errors of zero say nothing", async () => {
    const model = stack([1, 0], constant([0, 4]), block("gelu", true));
    const result = await run(model, 4, 1);
    expect(result.warnings.map(({ code }) => code)).toEqual(["expansion-point"]);
    expect(result.warnings[0]?.message).toMatch(/T_0 is the model.*say nothing of convergence/);
  });
});
