import { checkParameters, type Subject } from "@resolvent/analysis";
import { cost, reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, mapWeights } from "@resolvent/transformer";
import { expect, test } from "vitest";
import { patchingAnalyses } from "../src/analyses.ts";
import { type CircuitResult, findCircuit, patchEffects, patchSetting } from "../src/index.ts";
import { ratioInterval } from "../src/ratio-spread.ts";

const target = { a: 4, b: 9 };
const pairs = [
  { clean: [3, 17, 5, 28], corrupt: [3, 9, 5, 11], target },
  { clean: [1, 2, 3], corrupt: [4, 2, 9], target },
  { clean: [8, 2, 6], corrupt: [8, 21, 6], target },
];
const setting = patchSetting({
  ...{ kind: "edge", level: "block", direction: "noise" },
  reference: { kind: "run" },
});
const sizes = [0.3, 0.6, 1];
/** The 97.5 % quantile of Student's t with 2 degrees of freedom, from a table. */
const T2 = 4.302653;

const sum = (values: readonly number[]): number => values.reduce((all, x) => all + x, 0);

test("the interval of a quotient of means, by hand", () => {
  // f = 6/12; residuals (1 − 1.5, 2 − 2, 3 − 2.5) / 4: their variance is 2·(0.125²)/2.
  const interval = ratioInterval([1, 2, 3], [3, 4, 5]);
  const half = (T2 * 0.125) / Math.sqrt(3);
  expect(interval?.low).toBeNear(0.5 - half, { rtol: 1e-6 });
  expect(interval?.high).toBeNear(0.5 + half, { rtol: 1e-6 });
  expect(ratioInterval([1, 2], [2, 4])).toEqual({ low: 0.5, high: 0.5 });
  expect(ratioInterval([1], [2])).toBeNull();
});

test("faithfulness, areas and scores over pairs have intervals, and each pair its own", async () => {
  const model = await loadModel(reference, tinyModel("gpt2-untied"), { hash: false });
  const options = { sizes, each: true } as const;
  const result = await findCircuit(reference, model, pairs, setting, options);
  const { edges, targetEmpty, targetModel } = result;
  const gaps = result.pairs.map((pair) => pair.target.value - pair.targetEmpty);
  const meanGap = targetModel - targetEmpty;
  expect(sum(gaps) / 3).toBeNear(meanGap);

  result.sizes.forEach(({ faithfulness, interval, share }, i) => {
    const f = faithfulness ?? Number.NaN;
    const off = result.pairs.map((pair, p) => {
      const gained = (pair.targets[i] ?? Number.NaN) - pair.targetEmpty;
      expect(pair.faithfulness[i]).toBeNear(gained / (gaps[p] ?? Number.NaN));
      return (gained - f * (gaps[p] ?? Number.NaN)) / meanGap;
    });
    expect(sum(off)).toBeNear(0, { atol: 1e-12 });
    const half = T2 * Math.sqrt(sum(off.map((x) => x ** 2)) / 2 / 3);
    expect(interval?.low).toBeNear(f - half, { rtol: 1e-6, atol: 1e-9 });
    expect(interval?.high).toBeNear(f + half, { rtol: 1e-6, atol: 1e-9 });
    if (share < 1) expect(half).toBeGreaterThan(1e-3);
  });

  // CPR over sizes is a weighted sum of faithfulness: of every pair with the same weights.
  const areas = result.pairs.map((pair) =>
    sum(
      [0, 1].map((i) => {
        const [x, y] = [pair.targets[i] ?? Number.NaN, pair.targets[i + 1] ?? Number.NaN];
        const width = (sizes[i + 1] ?? 0) - (sizes[i] ?? 0);
        return (width * (x + y - 2 * pair.targetEmpty)) / 2;
      }),
    ),
  );
  const cpr = result.cpr ?? Number.NaN;
  expect(sum(areas) / sum(gaps)).toBeNear(cpr);
  const off = areas.map((area, p) => (area - cpr * (gaps[p] ?? Number.NaN)) / meanGap);
  const half = T2 * Math.sqrt(sum(off.map((x) => x ** 2)) / 2 / 3);
  expect(result.intervals?.cpr.high).toBeNear(cpr + half, { rtol: 1e-6 });
  const { low = 1, high = 0 } = result.intervals?.cmd ?? {};
  expect((low + high) / 2).toBeNear(result.cmd ?? Number.NaN, { rtol: 1e-9 });

  const scored = await patchEffects(reference, model, pairs, setting, { method: "eap" });
  edges.forEach(({ source, receiver, score, interval }, e) => {
    const [s, r] = [scored.sources.indexOf(source), scored.receivers.indexOf(receiver)];
    const own = scored.pairs.map(({ effect }) => effect?.[s]?.[r] ?? Number.NaN);
    expect(result.pairs.map(({ scores }) => scores?.[e])).toEqual(own);
    const spread = T2 * Math.sqrt(sum(own.map((x) => (x - score) ** 2)) / 2 / 3);
    expect(interval?.high).toBeNear(score + spread, { rtol: 1e-6, atol: 1e-12 });
  });
});

test("one pair has no intervals, and scores by pair are kept on demand", async () => {
  const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const one = await findCircuit(reference, model, pairs.slice(0, 1), setting, { sizes });
  expect(one.intervals).toBeNull();
  expect(one.sizes.map(({ interval }) => interval)).toEqual([null, null, null]);
  expect(one.edges.some((edge) => "interval" in edge)).toBe(false);
  expect(one.pairs[0]?.scores).toBeNull();
  const many = Array.from({ length: 4000 }, () => pairs[0] ?? { clean: [1], corrupt: [2] });
  const heads = patchSetting({ ...setting, level: "neuron" });
  const asked = findCircuit(reference, model, many, heads, { each: true });
  await expect(asked).rejects.toMatchObject({ code: "patching/too-many-scores" });
});

test("tables over pairs", async () => {
  const circuit = patchingAnalyses.find(({ name }) => name === "circuit");
  if (circuit === undefined) throw new Error("There is a circuit.");
  const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const vocabulary: Subject<Tensor>["vocabulary"] = {
    encode: (prompt) => (typeof prompt === "string" ? prompt.split(" ").map(Number) : prompt),
    ...{ tokenId: Number, text: String, entry: String, decode: String },
  };
  const text = "1 2 3\t1 7 3\n4 5\t6 5\n\r\n2 2\t3 2";
  const run = async (values: Readonly<Record<string, unknown>>): Promise<CircuitResult> => {
    const params = await checkParameters(circuit.params, { pairs: text, ...values });
    const ops = cost();
    const outline = mapWeights(model, ({ shape }) => ops.given(shape));
    circuit.estimate({ model: outline, vocabulary, precision: "f64" }, params);
    const subject = {
      ...{ engine: reference, model, vocabulary, onProgress: () => {} },
      signal: new AbortController().signal,
      linearAlgebra: () => Promise.reject(new Error("not needed")),
    };
    return await circuit.run(subject, params);
  };
  const plain = circuit.tables(await run({}));
  expect(plain.map(({ kind }) => kind)).toEqual(["circuit-size", "circuit-edge", "circuit-kept"]);
  const each = circuit.tables(await run({ each: true, measure: "loss", sizes: [0.5, 1] }));
  expect(each.map(({ kind }) => kind)).toEqual([
    ...["circuit-size", "circuit-edge", "circuit-pair", "circuit-kept"],
  ]);
  for (const table of each) {
    for (const row of table.rows) expect(row.length).toBe(table.columns.length);
  }
  expect(each[0]?.columns.map(({ name }) => name)).toContain("half");
  expect(each[1]?.columns.map(({ name }) => name)).toContain("low");
  expect(each[2]?.rows.length).toBe(6);
  expect(each[0]?.notes?.at(-1)).toMatch(/^loss of the model/);
});
