import { checkParameters, type Subject, type Table, type Vocabulary } from "@resolvent/analysis";
import { cost, InternalError, reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, type Model, mapWeights } from "@resolvent/transformer";
import { beforeAll, describe, expect, test } from "vitest";
import { expansionAnalyses } from "../src/analyses.ts";
import type { EpsilonSeries, Interactions } from "../src/index.ts";

const analysis = (name: string): (typeof expansionAnalyses)[number] => {
  const found = expansionAnalyses.find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no analysis ${name}.`);
  return found;
};

const vocabulary: Vocabulary = {
  encode: (prompt) => (typeof prompt === "string" ? prompt.split(" ").map(Number) : prompt),
  tokenId: Number,
  text: (id) => `<${id}>`,
  entry: (id) => `<${id}>`,
  decode: (ids) => ids.join(" "),
};

let model: Model<Tensor>;
beforeAll(async () => {
  model = await loadModel(reference, tinyModel("llama", { seed: 2 }), { hash: false });
});

const progress: number[] = [];
function subject(signal = new AbortController().signal): Subject<Tensor> {
  return {
    engine: reference,
    model,
    vocabulary,
    signal,
    onProgress: ({ done, total }) => void progress.push(done / total),
    linearAlgebra: () => {
      throw new InternalError({
        code: "test/no-decompositions",
        message: "Nothing is decomposed.",
      });
    },
  };
}

async function run(
  name: string,
  values: Readonly<Record<string, unknown>>,
): Promise<{ readonly result: unknown; readonly tables: readonly Table[] }> {
  const { params, run: body, estimate, tables } = analysis(name);
  const checked = await checkParameters(params, { prompt: "1 2 3", ...values });
  const ops = cost();
  const outline = mapWeights(model, ({ shape }) => ops.given(shape));
  const priced = estimate({ model: outline, vocabulary, precision: "f64" }, checked);
  expect(priced.flops).toBeGreaterThan(0);
  expect(priced.peakBytes).toBeGreaterThan(0);
  const result = await body(subject(), checked);
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  return { result, tables: tables(result) };
}

/** What a CSV file has of a table. */
const column = ({ columns, rows }: Table, name: string): unknown[] => {
  const place = columns.findIndex((one) => one.name === name);
  return rows.map((row) => row[place]);
};

describe("series", () => {
  test("as JSON and tables, six orders by default", async () => {
    const { result, tables } = await run("series", {});
    const series = result as EpsilonSeries;
    expect(series).toMatchObject({ schemaVersion: 1, kind: "epsilon-series", about: 0, at: 1 });
    expect(series.coefficients.map(({ order }) => order)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(series.partial).toHaveLength(7);
    expect(series.input.tokens[1]).toEqual({ id: 2, text: "<2>" });
    expect(tables.map(({ kind, rows }) => [kind, rows.length])).toEqual([
      ["epsilon-coefficient", 7],
    ]);
  });

  test("its warnings are in every table and every format", async () => {
    const { result, tables } = await run("series", { order: 8 });
    const { warnings, diverges } = result as EpsilonSeries;
    expect(diverges).toBe(true);
    expect(warnings.map(({ code }) => code)).toEqual(["diverges"]);
    const [table] = tables as [Table];
    expect(table.notes?.[0]).toMatch(/^warning: The series does not converge/);
    expect(column(table, "warnings")).toEqual(Array(9).fill("diverges"));
  });

  test("about another ε, with gates frozen", async () => {
    const { result, tables } = await run("series", {
      order: 2,
      about: 0.5,
      freeze: ["norm", "pattern"],
    });
    expect(result).toMatchObject({ about: 0.5, freeze: ["pattern", "norm"] });
    expect(tables[0]?.title).toBe(
      "ε-series about ε₀ = 0.5, in powers of ε − ε₀, at ε = 1 (pattern and norm frozen)",
    );
  });

  test("of frozen blocks ends, and says so where an order beyond its last was computed", async () => {
    const freeze = ["pattern", "norm", "activation"];
    const note = async (order: number): Promise<unknown> =>
      (await run("series", { order, freeze })).tables[0]?.notes?.find((line) =>
        line.startsWith("ends: "),
      );
    for (const order of [6, 4]) {
      expect(await note(order)).toMatch(/^ends: all gates are frozen.*degree 4 at most: all of it/);
    }
    expect(await note(3)).toMatch(/orders 4 to 4 were not computed; it has no radius/);
  });

  test.each([[{ order: -1 }], [{ order: 65 }], [{ order: 1.5 }], [{ about: "x" }]])(
    "%o is refused",
    async (values) => {
      await expect(run("series", values)).rejects.toMatchObject({
        code: "analysis/bad-parameters",
      });
    },
  );
});

describe("interactions", () => {
  test("of blocks, as JSON and tables", async () => {
    progress.length = 0;
    const { result, tables } = await run("interactions", { top: 3 });
    const found = result as Interactions;
    expect(found).toMatchObject({
      schemaVersion: 1,
      kind: "interactions",
      choice: { kind: "blocks", layer: null },
      players: ["L0.attn", "L0.mlp", "L1.attn", "L1.mlp"],
      remainder: { relativeNorm: 0, from: "none" },
    });
    expect(found.orders.map(({ sets }) => sets)).toEqual([1, 4, 6, 4, 1]);
    expect(found.shown).toHaveLength(3);
    expect(found.pairNorms[1]?.[2]).toBe(found.pairNorms[2]?.[1]);
    expect(found.pairNorms[1]?.[1]).toBeNull();
    expect(tables.map(({ kind, rows }) => [kind, rows.length])).toEqual([
      ["interaction-order", 5],
      ["interaction", 11],
      ["interaction-matrix", 4],
      ["interaction-pair", 6],
      ["player", 4],
    ]);
    expect(tables[1]?.shown).toBe(3);
    expect(found.shown).toEqual(found.sets.slice(0, 3));
    expect(progress.at(-1)).toBe(1);
  });

  test("the table of a single one is headed as one", async () => {
    const { tables } = await run("interactions", { top: 1 });
    expect(tables[1]?.title).toBe("The largest interaction");
  });

  test("a truncated order names its remainder", async () => {
    const { result, tables } = await run("interactions", { order: 1 });
    const found = result as Interactions;
    expect(found.remainder.from).toBe("difference");
    expect(found.remainder.relativeNorm).toBe(found.orders.at(-1)?.cumulativeRelativeError);
    expect(found.pairNorms).toEqual([]);
    expect(found.shown).toEqual([]);
    expect(tables[0]?.rest?.[0]).toBe("rest");
    const codes = found.warnings.map(({ code }) => code);
    expect(codes).toContain("large-remainder");
    expect(column(tables[0] as Table, "warnings")).toEqual([codes.join(" "), codes.join(" ")]);
  });

  test.each([
    [{ players: "layers" }, ["L0", "L1"]],
    [{ players: "heads", layer: 1 }, ["L1.H0", "L1.H1", "L1.H2", "L1.H3"]],
    [{ groups: ["L0.attn+L1", "L0.mlp"] }, ["L0.attn+L1", "L0.mlp"]],
  ])("%o", async (values, players) => {
    const { result } = await run("interactions", values);
    expect((result as Interactions).players).toEqual(players);
    expect((result as Interactions).certificate.relativeError).toBeLessThan(1e-13);
  });

  test.each([
    [{ players: "heads", groups: ["L0"] }, "expansion/two-choices"],
    [{ layer: 1 }, "expansion/layer-without-heads"],
    [{ players: "heads", layer: 5 }, "transformer/no-head"],
    [{ groups: ["nobody"] }, "expansion/bad-player"],
  ])("%o is %s", async (values, code) => {
    await expect(run("interactions", values)).rejects.toMatchObject({ code });
  });
});
