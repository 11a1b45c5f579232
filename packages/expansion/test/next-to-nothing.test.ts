import { createCpu } from "@resolvent/cpu";
import { type Engine, reference, type Shaped, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, type Model, mapWeights } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import { epsilonSeries, expandByDegree, interactions } from "../src/index.ts";

const tokens = [3, 17, 5, 28];
const codesOf = ({
  warnings,
}: {
  readonly warnings: readonly { readonly code: string }[];
}): string[] => warnings.map(({ code }) => code);

/** A tiny model whose weights of some names are changed. */
async function changed<T extends Shaped>(
  engine: Engine<T>,
  f: (weight: T, name: string) => T,
): Promise<Model<T>> {
  const model = await loadModel(engine, tinyModel("llama", { seed: 4 }), { hash: false });
  return mapWeights(model, f);
}

const zero = (weight: Tensor): Tensor => reference.scale(weight, 0);

describe("a run that is zero", () => {
  const nowhere = changed(reference, (weight, name) =>
    name.startsWith("final") ? weight : zero(weight),
  );

  test("has no relative norms, no shares, and no certificate to speak of", async () => {
    const result = await expandByDegree(reference, await nowhere, tokens, { freeze: [] });
    expect(result.terms.map(({ relativeNorm }) => relativeNorm)).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
    expect(result.terms.every(({ logitShare }) => logitShare === null)).toBe(true);
    expect(result.certificate).toMatchObject({
      ...{ relativeError: null, relativeErrorFloat64: null, verdict: "undefined" },
    });
    expect(codesOf(result)).toEqual(["no-size", "no-shares"]);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  test("series and interactions say the same", async () => {
    const series = await epsilonSeries(reference, await nowhere, tokens, { order: 2 });
    expect(series.partial.map(({ relativeError }) => relativeError)).toEqual([null, null, null]);
    expect(codesOf(series)).toContain("no-size");
    const found = await interactions(reference, await nowhere, tokens);
    expect(found.orders.every(({ relativeNorm }) => relativeNorm === null)).toBe(true);
    expect([found.certificate.relativeError, codesOf(found)]).toEqual([null, ["no-size"]]);
    for (const result of [series, found])
      expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });
});

describe("logits that are the same for every token", () => {
  const alike = (weight: Tensor): Tensor =>
    reference.add(
      reference.scale(weight, 0),
      reference.fill({ d_model: weight.shape.d_model ?? 0 }, 0.3),
    );

  test.each(["f64", "f32"] as const)(
    "have no shares, also where rounding tells them apart: %s",
    async (precision) => {
      const cpu = await createCpu({ precision, threads: 1 });
      try {
        for (const difference of [0, precision === "f64" ? 1e-15 : 1e-8]) {
          const model = await changed(reference, (weight, name) =>
            name === "final.W_U"
              ? reference.add(alike(weight), reference.scale(weight, difference))
              : weight,
          );
          const own = mapWeights(model, ({ shape, data }) => cpu.constant(shape, data));
          const result = await expandByDegree(cpu, own, tokens);
          expect(result.terms.every(({ logitShare }) => logitShare === null)).toBe(true);
          expect(codesOf(result)).toEqual(["no-shares"]);
          expect(result.certificate.relativeError).toBeLessThan(1e-5);
        }
      } finally {
        await cpu.close();
      }
    },
  );

  test("small logits have shares", async () => {
    const model = await changed(reference, (weight, name) =>
      name === "final.W_U" ? reference.scale(weight, 1e-9) : weight,
    );
    const result = await expandByDegree(reference, model, tokens);
    const shares = result.terms.map(({ logitShare }) => logitShare ?? Number.NaN);
    expect(shares.reduce((a, b) => a + b)).toBeNear(1, { rtol: 1e-10 });
    expect(codesOf(result)).toEqual([]);
  });
});
