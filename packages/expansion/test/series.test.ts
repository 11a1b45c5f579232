import { createCpu } from "@resolvent/cpu";
import { cost, reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import {
  blockWrite,
  loadModel,
  mapWeights,
  plainSites,
  runCost,
  tokenIds,
} from "@resolvent/transformer";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type EpsilonSeriesOptions,
  epsilonSeries,
  epsilonTerms,
  GATES,
  measureSeries,
  seriesCost,
  vectorEpsilon,
} from "../src/index.ts";
import { added, partsOf, sizeOfTensor, type Tiny } from "./naive.ts";

const tokens = [3, 17, 5, 5];
const ids = tokenIds(tokens);
const models = await Promise.all(
  tinyFamilies.map((family) => loadModel(reference, tinyModel(family, { seed: 5 }))),
);
const named = models.map((model) => [model.name, model] as const);
const codesOf = ({
  warnings,
}: {
  readonly warnings: readonly { readonly code: string }[];
}): string[] => warnings.map(({ code }) => code);

/** `T(ε)` by the definition. */
function streamAt(model: Tiny, x0: Tensor, epsilon: number): Tensor {
  let stream = x0;
  for (const stage of model.stages) {
    const read = stream;
    const writes = stage.map((block) => blockWrite(reference, block, read, plainSites()));
    stream = added(
      read,
      writes.map((write) => reference.scale(write, epsilon)),
    );
  }
  return stream;
}

describe.each(named)("%s", (_, model) => {
  const { x0, T } = partsOf(model, tokens);

  test("T_0 and T_1 by their formulas; T(1) is the run", () => {
    const { coefficients, residual } = epsilonTerms(reference, model, ids, { order: 1 });
    expect(coefficients).toHaveLength(2);
    expect(coefficients[0]).toBeNear(x0);
    const writes = [...model.stages]
      .flat()
      .map((block) => blockWrite(reference, block, x0, plainSites()));
    const [first, ...rest] = writes as [Tensor, ...Tensor[]];
    expect(coefficients[1]).toBeNear(added(first, rest), { rtol: 1e-12 });
    expect(residual).toBeNear(T);
    expect(streamAt(model, x0, 1)).toBeNear(T, { rtol: 1e-13 });
  });

  test.each([0, 0.4, 1])("about %d the series is T(ε₀ + δ)", (about) => {
    const order = 5;
    const { coefficients, kinks } = epsilonTerms(reference, model, ids, { order, about });
    // A ReLU turns: only up to there.
    const nearest = Math.min(
      1,
      ...kinks.flatMap(({ z0, z1 }) =>
        [...z0.data].map((z, i) => Math.abs(z / (z1.data[i] ?? Number.NaN)) || 1),
      ),
    );
    const [large, small] = [8e-3, 4e-3].map((delta) => {
      const d = Math.min(delta, (nearest * delta) / 0.02);
      const terms = coefficients.slice(1).map((c, k) => reference.scale(c, d ** (k + 1)));
      const sum = added(coefficients[0] as Tensor, terms);
      const direct = streamAt(model, x0, about + d);
      return { error: sizeOfTensor(reference.sub(sum, direct)), size: sizeOfTensor(direct) };
    });
    // What is left falls as δ⁶, to rounding.
    const noise = 1e-14 * (small?.size ?? 0);
    expect(small?.error).toBeLessThan((large?.error ?? 0) / 2 ** (order - 0.5) + noise);
    expect(small?.error).toBeLessThan(1e-6 * (small?.size ?? 0));
  });

  test("about 1 the run itself is the constant term", async () => {
    const result = await epsilonSeries(reference, model, tokens, { order: 2, about: 1 });
    expect(result.partial.map((one) => one.relativeError ?? 1)).toBeNear([0, 0, 0], {
      atol: 1e-13,
    });
    expect(result.diverges).toBe(false);
  });

  test("what does not reach the model says so", async () => {
    for (const order of [0, 1, 3, 8]) {
      const result = await epsilonSeries(reference, model, tokens, { order });
      const error = result.partial.at(-1)?.relativeError ?? Number.POSITIVE_INFINITY;
      expect(result.remainder.relativeNorm).toBe(result.partial.at(-1)?.relativeError);
      if (error > 0.1) {
        expect(codesOf(result).some((code) => /^(diverges|not-shown)$/.test(code))).toBe(true);
      }
      expect(codesOf(result).includes("diverges")).toBe(result.verdict === "diverges");
      if (order < 6) expect(["not-shown", "ends"]).toContain(result.verdict);
      expect(codesOf(result)).not.toContain("check-failed");
      expect(result.nearestKink === null).toBe(!codesOf(result).includes("relu-kink"));
    }
  });

  test("with all gates frozen it ends, and is the run", async () => {
    const blocks = [...model.stages].length;
    const result = await epsilonSeries(reference, model, tokens, {
      order: blocks + 2,
      freeze: GATES,
    });
    expect(result.coefficients.slice(blocks + 1).map(({ norm }) => norm)).toEqual([0, 0]);
    expect(result.remainder.relativeNorm).toBeLessThan(1e-12);
    expect(result.resummed.orders.at(-1)?.relativeError).toBeLessThan(1e-10);
    expect(result.diverges).toBe(false);
    expect(codesOf(result)).toEqual([]);
  });
});

test("resummation: exact for sums of few powers, divergent ones too", () => {
  const number = fc.double({ min: 0.5, max: 2, noNaN: true });
  fc.assert(
    fc.property(fc.array(number, { minLength: 9, maxLength: 9 }), (numbers) => {
      const [limit, a, b] = [0, 3, 6].map((i) => Float64Array.from(numbers.slice(i, i + 3)));
      if (!limit || !a || !b) throw new Error("Nine numbers make three vectors.");
      // S_k = limit + 3^k a + (−0.5)^k b, b made independent of a
      const sums = Array.from({ length: 5 }, (_, k) =>
        limit.map((x, i) => x + 3 ** k * (a[i] ?? 0) + (-0.5) ** k * (b[i] ?? 0) * (i - 1)),
      );
      const resummed = vectorEpsilon(sums);
      expect(resummed[0]).toEqual(sums[0]);
      expect(resummed[1]).toEqual(sums[1]);
      expect(resummed[4] ?? []).toBeNear(limit, { rtol: 1e-7, atol: 1e-7 });
      // One power needs three sums.
      const one = sums.slice(0, 3).map((_, k) => limit.map((x, i) => x + 3 ** k * (a[i] ?? 0)));
      expect(vectorEpsilon(one)[2] ?? []).toBeNear(limit, { rtol: 1e-9 });
    }),
    { numRuns: 50 },
  );
});

test("resummation stops where sums do not change", () => {
  const sums = [1, 2, 2, 2].map((x) => Float64Array.of(x, -x));
  expect(vectorEpsilon(sums).map((x) => [...x])).toEqual([
    [1, -1],
    [2, -2],
    [2, -2],
    [2, -2],
  ]);
});

test("what is asked has to make sense", async () => {
  const [, model] = named[0] as (typeof named)[number];
  for (const [options, code] of [
    [{ order: -1 }, "expansion/bad-order"],
    [{ order: 2.5 }, "expansion/bad-order"],
    [{ order: 1000 }, "expansion/bad-order"],
    [{ about: Number.NaN }, "expansion/bad-epsilon"],
    [{ freeze: ["x" as "norm"] }, "expansion/unknown-gate"],
  ] as const satisfies readonly (readonly [EpsilonSeriesOptions, string])[]) {
    await expect(epsilonSeries(reference, model, tokens, options)).rejects.toMatchObject({ code });
  }
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(epsilonSeries(reference, model, tokens, { signal })).rejects.toThrow("enough");
});

test("order 6 takes at most 15 forward passes", async () => {
  const model = await loadModel(reference, tinyModel("gpt2", { n_layer: 12 }), { hash: false });
  const outline = mapWeights(model, ({ shape }) => cost().given(shape));
  const series = seriesCost(outline, tokens, { order: 6 });
  expect(series.matmulFlops / runCost(outline, tokens).matmulFlops).toBeLessThan(15);
});

test("float32: coefficients beyond its range are told, the rest computed anew", async () => {
  const engine = await createCpu({ precision: "f32", threads: 1 });
  const model = await loadModel(engine, tinyModel("llama", { seed: 5 }), { hash: false });
  const exact = await loadModel(reference, tinyModel("llama", { seed: 5 }), { hash: false });
  await epsilonSeries(engine, model, tokens); // makes the tables that stay
  const before = engine.memory.used;
  const result = await epsilonSeries(engine, model, tokens, {
    order: 6,
    certify: (same) => measureSeries(reference, exact, tokens, same),
  });
  expect(engine.memory.used).toBe(before);
  expect(result.check.float64?.relativeError).toBeLessThan(1e-10);
  expect(result.certificate.relativeErrorFloat64).not.toBeNull();
  const far = await epsilonSeries(engine, model, tokens, { order: 64 });
  const lost = far.coefficients.filter(({ norm }) => !Number.isFinite(norm));
  expect(codesOf(far).includes("overflow")).toBe(lost.length > 0);
  expect(lost.length).toBeGreaterThan(0);
  await engine.close();
});
