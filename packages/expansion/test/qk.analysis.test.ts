import { checkParameters, describeParameters, type Vocabulary } from "@resolvent/analysis";
import { createCpu } from "@resolvent/cpu";
import { reference } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { loadModel, outlineModel } from "@resolvent/transformer";
import { expect, test } from "vitest";
import { qk } from "../src/analyses/qk.ts";
import { expansionAnalyses, type QkResult } from "../src/analyses.ts";
import { chooseEdge, qkDegrees, SPLITTINGS, scoreBalance, scoreCost } from "../src/index.ts";

const vocabulary: Vocabulary = {
  encode: (prompt) => (typeof prompt === "string" ? [...prompt].map(Number) : prompt),
  tokenId: (word) => Number(word),
  text: (id) => `<${id}>`,
  entry: (id) => `<${id}>`,
  decode: (ids) => ids.join(" "),
};

async function analysed(params: object): Promise<QkResult> {
  const model = await loadModel(reference, tinyModel("gpt2-untied", { seed: 3 }));
  return qk.run(
    {
      engine: reference,
      model,
      vocabulary,
      linearAlgebra: () => Promise.reject(new Error("not needed")),
      signal: new AbortController().signal,
      onProgress: () => {},
    },
    await checkParameters(qk.params, { prompt: [3, 17, 5, 5, 28], ...params }),
  );
}

test("it is one of the package's analyses", () => {
  expect(expansionAnalyses.map(({ name }) => name)).toContain(qk.name);
  expect(describeParameters(qk.params).map(({ name, kind }) => [name, kind])).toEqual([
    ["prompt", "prompt"],
    ["head", "head"],
    ["query", "position"],
    ["key", "position"],
    ["by", "choice"],
    ["queryBy", "choice"],
    ["keyBy", "choice"],
    ["centred", "flag"],
    ["target", "target"],
    ["top", "number"],
  ]);
});

test("a head is named either way", async () => {
  const written = await analysed({ head: "head 2.1", key: 1 });
  expect(written).toEqual(await analysed({ head: "L2.H1", key: 1 }));
});

test("a result that survives JSON, its pairs with the rest", async () => {
  const result = await analysed({
    head: "L2.H1",
    key: 1,
    queryBy: "token",
    centred: false,
    top: 4,
  });
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  expect(result).toMatchObject({
    schemaVersion: 1,
    kind: "qk",
    model: { name: "gpt2-untied" },
    input: { tokens: [{ id: 3, text: "<3>" }, {}, {}, {}, {}] },
    head: { layer: 2, head: 1 },
    query: 4,
    key: 1,
    by: { query: "token", key: "block" },
    freeze: ["pattern", "norm", "activation"],
    weightProcessing: "none",
    engine: "reference",
    precision: "f64",
    centred: false,
    remainder: { from: "none", relativeNorm: 0 },
  });
  expect(result.querySources).toEqual([
    ...[0, 1, 2, 3, 4].map((pos) => `embed.token@${pos}`),
    ...["embed.position", "bias", "constant"],
  ]);
  expect(result.keySources).toEqual([
    ...["embed.token", "embed.position", "L0.attn", "L0.mlp", "L1.attn", "L1.mlp", "constant"],
  ]);
  const sizes = result.shown.map(({ effect }) => Math.abs(effect));
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
  const shown = result.shown.reduce((sum, { effect }) => sum + effect, 0);
  expect(result.notShown.count).toBe(String(8 * 7 - 4));
  expect(shown + result.notShown.sum).toBeNear(result.score, { atol: 1e-12 });
});

test("the tables", async () => {
  const result = await analysed({
    head: "L1.H0",
    query: 3,
    key: 1,
    queryBy: "token",
    centred: true,
    top: 3,
  });
  const tables = qk.tables(result);
  expect(tables.map(({ kind, rows, shown }) => [kind, rows.length, shown])).toEqual([
    ["score-pair", 7 * 5, 3],
    ["query-source", 7, 3],
    ["key-source", 5, 3],
    ["degree", 8, undefined],
    ["degree-pair", 4 * 4, undefined],
  ]);
  const sum = tables[0]?.rows.reduce((total, row) => total + Number(row[4]), 0);
  expect(sum).toBeNear(result.centredScore, { atol: 1e-12 });
  const [pairs] = tables;
  expect(pairs?.title).toMatch(
    /^L1\.H0 from "<5>"@3 to "<17>"@1: score minus its mean over keys = -?[\d.e-]+, probability [\d.]+ %$/,
  );
  expect(pairs?.footer?.at(-1)).toEqual([null, null, "sum", null, result.centredScore, 1]);
  const cells = tables.flatMap(({ rows }) => rows.flat());
  expect(cells.filter((name) => String(name).includes("@"))).toContain('embed.token "<5>"@3');
  expect(tables[3]?.subtitle).toMatch(/^target: logit "<\d+>" − "<\d+>" at 3$/);
  for (const { columns, rows, footer = [] } of tables) {
    for (const row of [...rows, ...footer]) expect(row).toHaveLength(columns.length);
  }
});

test("a score without a mean to differ from has no shares, and no numbers that JSON cannot hold", async () => {
  const result = await analysed({ prompt: [3], centred: true });
  expect(result).toMatchObject({ query: 0, key: 0, centredScore: 0, pattern: 1 });
  expect(result.shown.every(({ share }) => share === null)).toBe(true);
  expect(result.warnings.map(({ code }) => code)).toEqual(["no-shares"]);
});

test.each(tinyFamilies)("what it would take, of %s", async (family) => {
  const outline = await outlineModel(tinyModel(family));
  const tokens = [3, 17, 5, 5, 28];
  const by = { query: "token", key: "degree-block" } as const;
  const { flops, matmulFlops } = scoreCost(outline, tokens, { by });
  expect(matmulFlops).toBeGreaterThan(0);
  expect(flops).toBeGreaterThan(scoreCost(outline, tokens).flops);
  expect(() => scoreCost(outline, tokens, { query: 5 })).toThrow(/position from 0 to 4/);
});

test.each(["gpt2", "mistral", "qwen3"])(
  "on the cpu in float32: %s adds up, and leaves nothing in memory",
  async (family) => {
    const cpu = await createCpu({ precision: "f32", threads: 1 });
    const model = await loadModel(cpu, tinyModel(family, { seed: 3 }), { hash: false });
    const tokens = [3, 17, 5, 5, 28];
    const edge = { head: { layer: 1, head: 1 }, query: 4, key: 2 };
    const all = async (): Promise<void> => {
      await chooseEdge(cpu, model, tokens);
      for (const by of SPLITTINGS) {
        expect(await scoreBalance(cpu, model, tokens, { ...edge, by })).toBeLessThan(1e-5);
      }
      const target = { a: 1, b: 2 };
      const { certificate } = await qkDegrees(cpu, model, tokens, { ...edge, target });
      expect(certificate.relativeError).toBeLessThan(1e-5);
    };
    await all(); // makes the tables that stay
    const before = cpu.memory.used;
    await all();
    expect(cpu.memory.used).toBe(before);
    await cpu.close();
  },
);

test("sources of a side that are not shown are one row below it", async () => {
  const side = async (top: number) => {
    const result = await analysed({ head: "2.1", by: "head", top });
    return qk.tables(result).find(({ kind }) => kind === "query-source");
  };
  const [few, all] = [await side(2), await side(99)];
  const effects = (all?.rows ?? []).map((row) => Number(row[2]));
  const hidden = effects.slice(2).reduce((sum, x) => sum + x, 0);
  expect(few?.footer).toHaveLength(1);
  expect(few?.footer?.[0]?.[1]).toBe(`${effects.length - 2} more sources`);
  expect(few?.footer?.[0]?.[2]).toBeNear(hidden, { atol: 1e-12 });
  expect(all?.footer).toEqual([]);
});
