import { checkParameters, type Subject, type Vocabulary } from "@resolvent/analysis";
import { cost, InternalError, reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, type Model, mapWeights } from "@resolvent/transformer";
import { beforeAll, describe, expect, test } from "vitest";
import { patchingAnalyses } from "../src/analyses.ts";
import { type CircuitResult, type PatchResult, parsePairs } from "../src/index.ts";

const analysis = (name: string): (typeof patchingAnalyses)[number] => {
  const found = patchingAnalyses.find((one) => one.name === name);
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
  model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
});

function subject(signal = new AbortController().signal): Subject<Tensor> {
  return {
    engine: reference,
    model,
    vocabulary,
    signal,
    onProgress: () => undefined,
    linearAlgebra: () => {
      throw new InternalError({
        code: "test/no-decompositions",
        message: "Nothing is decomposed.",
      });
    },
  };
}

async function run(name: string, values: Readonly<Record<string, unknown>>): Promise<unknown> {
  const { params, run: body, estimate } = analysis(name);
  const checked = await checkParameters(params, values);
  const ops = cost();
  const outline = mapWeights(model, ({ shape }) => ops.given(shape));
  const priced = estimate({ model: outline, vocabulary, precision: "f64" }, checked);
  expect(priced.flops).toBeGreaterThan(0);
  return body(subject(), checked);
}

const prompts = { prompt: "1 2 3", corrupt: [1, 7, 3] };

describe("patch", () => {
  test("shows both prompts, and tokens where nodes are patched by position", async () => {
    const values = { ...prompts, nodes: true, positions: true };
    const result = (await run("patch", values)) as PatchResult;
    const [matrix, list] = analysis("patch").tables(result);
    expect(matrix?.subtitle).toContain("<1><2><3>");
    expect(matrix?.subtitle).toContain('corrupt: "<1><7><3>"');
    const token = list?.columns.find(({ name }) => name === "token");
    expect(token?.detail).toBe(false);
    const edges = analysis("patch").tables((await run("patch", prompts)) as PatchResult);
    expect(edges[1]?.columns.find(({ name }) => name === "token")?.detail).toBe(true);
  });

  test("the answer names token and position; of several pairs the mean and the position", async () => {
    const values = { ...prompts, nodes: true, positions: true };
    const result = (await run("patch", values)) as PatchResult;
    const said = (given: PatchResult): readonly string[] => analysis("patch").answer?.(given) ?? [];
    expect(said(result)[0]).toMatch(/^Patching \S+ at "<\d>" \(position \d\) changes the logit /);
    const [pair] = result.pairs;
    if (pair === undefined) throw new Error("There is one.");
    const bare = {
      ...pair,
      clean: pair.clean.map(({ id }) => ({ id, text: `id:${id}` })),
    };
    expect(said({ ...result, pairs: [bare] })[0]).toMatch(/ at id:\d \(position \d\) /);
    const [first, second] = said({ ...result, pairs: [pair, pair] });
    expect(first).toMatch(/^Patching \S+ at position \d changes the target most: /);
    expect(second).toMatch(
      /^Over 2 pairs, the mean target is .* on clean prompts and .* on corrupt ones;/,
    );
  });

  test("knows rounding by the size of logits, however small the target is", async () => {
    const result = (await run("patch", { ...prompts, target: ["3", "4"] })) as PatchResult;
    expect(result.logitSize).toBeGreaterThanOrEqual(Math.abs(result.targetClean));
    const huge = { ...result, precision: "f32" as const, logitSize: 1e6, targetClean: 1e-3 };
    for (const table of analysis("patch").tables(huge)) expect(table.rounding).toBe(1);
  });

  test("edges as JSON and tables", async () => {
    const result = (await run("patch", prompts)) as PatchResult;
    expect(result).toMatchObject({ schemaVersion: 1, kind: "patch", level: "block" });
    expect(result.setting).toEqual({
      kind: "edge",
      level: "block",
      measure: "logit-difference",
      reference: { kind: "run", prompts: [] },
      direction: "noise",
    });
    expect(result.sources).toEqual(["embed", "L0.attn", "L0.mlp", "L1.attn", "L1.mlp"]);
    expect(result.receivers).toEqual(["L0.attn", "L0.mlp", "L1.attn", "L1.mlp", "final"]);
    expect(result.effect[1]?.[0]).toBeNull();
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    const tables = analysis("patch").tables(result);
    expect(tables.map(({ kind, rows }) => [kind, rows.length])).toEqual([
      ["patch-matrix", 5],
      ["patch-effect", 15],
    ]);
  });

  test.each([
    [{ nodes: true, level: "head" }, ["all"]],
    [{ nodes: true, positions: true, reference: "zero" }, ["0", "1", "2"]],
    [{ branches: true }, ["L0.attn", "L0.mlp", "L1.attn", "L1.mlp", "final"]],
  ])("%o", async (more, receivers) => {
    const result = (await run("patch", { ...prompts, ...more })) as PatchResult;
    expect(result.receivers).toEqual(receivers);
  });

  test("rounding is 0 for people, and itself in data", async () => {
    const result = (await run("patch", prompts)) as PatchResult;
    const [row = [], ...rest] = result.effect;
    const targets = [result.logitSize, ...result.effect.flat()];
    const largest = Math.max(...targets.map((x) => Math.abs(x ?? 0)));
    const [tiny, small] = [-largest * 0.9e-14, largest * 1.1e-14];
    const noisy = { ...result, listed: 1, effect: [[tiny, small, ...row.slice(2)], ...rest] };
    const [matrix, effects] = analysis("patch").tables(noisy);
    expect(matrix?.rows[0]?.slice(0, 4)).toEqual(["embed", tiny, small, row[2]]);
    for (const table of [matrix, effects]) {
      expect(table?.rounding).toBeGreaterThan(Math.abs(tiny));
      expect(table?.rounding).toBeLessThan(small);
    }
    expect(effects?.rows.map((cells) => cells[3])).toContain(tiny);
    expect([effects?.rows.length, effects?.shown]).toEqual([15, 1]);
  });

  test("pairs, averaged; a comparison", async () => {
    const pairs =
      '{"clean": "1 2 3", "corrupt": "1 7 3", "target": [4, 5]}\n\n{"clean": [2, 2], "corrupt": [3, 2]}\n';
    const both = (await run("patch", { pairs, method: "eap", compare: true })) as PatchResult;
    expect(both.pairs.map(({ clean }) => clean.length)).toEqual([3, 2]);
    expect(both.pairs[0]?.target).toMatchObject({
      ...{ readout: 'logit "<4>" − "<5>"', a: { id: 4, text: "<4>" }, b: { id: 5, text: "<5>" } },
    });
    const mean = (
      pick: (pair: PatchResult["pairs"][number]) => number | null | undefined,
    ): number => both.pairs.reduce((sum, pair) => sum + (pick(pair) ?? Number.NaN), 0) / 2;
    expect(both.effect[2]?.[3]).toBeNear(mean((pair) => pair.effect?.[2]?.[3]));
    expect(both.targetClean).toBeNear(mean(({ target }) => target.value));
    const exact = (await run("patch", { pairs })) as PatchResult;
    expect(both.comparison?.exact).toEqual(exact.effect);
    expect(analysis("patch").tables(both)[1]?.notes).toHaveLength(4);

    // Of two values the interval is 12.7 times half their difference to either side.
    const [one = 0, two = 0] = both.pairs.map((pair) => pair.effect?.[2]?.[3] ?? Number.NaN);
    const half = (12.706204736174694 * Math.abs(one - two)) / 2;
    const value = both.effect[2]?.[3] ?? Number.NaN;
    expect(both.interval?.high[2]?.[3]).toBeNear(value + half, { rtol: 1e-9 });
    expect(both.interval?.low[2]?.[3]).toBeNear(value - half, { rtol: 1e-9 });
    expect(((await run("patch", prompts)) as PatchResult).interval).toBeNull();
  });

  test("pairs as CSV and with tabs are those of JSON lines", () => {
    const json = '{"clean": "a, b", "corrupt": "c", "target": [" x", 5]}';
    const csv = 'clean,corrupt,target\r\n"a, b",c,""" x"",id:5"\r\n';
    expect(parsePairs(csv)).toEqual(parsePairs(json));
    expect(parsePairs('a, b\tc\t" x",id:5')).toEqual(parsePairs(json));
    expect(() => parsePairs("clean,corrupt\na")).toThrow(/line 2: it has 1 fields/);
  });

  test.each([
    [{}, "patching/no-prompt"],
    [{ prompt: "1 2" }, "patching/no-corrupt"],
    [{ prompt: "1 2", corrupt: "1" }, "patching/pair-length"],
    [{ prompt: "1 2", corrupt: "1 2" }, "patching/same-prompts"],
    [{ ...prompts, compare: true }, "patching/nothing-to-compare"],
    [{ prompt: "1 2", pairs: "{}" }, "patching/two-inputs"],
    [{ ...prompts, reference: "zero", direction: "denoise" }, "patching/bad-setting"],
    [{ ...prompts, referencePrompt: ["1"] }, "patching/reference-prompts"],
    [{ ...prompts, nodes: true, branches: true }, "patching/two-kinds"],
    [{ ...prompts, branches: true, method: "eap" }, "patching/branch-gradient"],
    [{ ...prompts, positions: true }, "patching/positions-of-nodes"],
    [{ pairs: "" }, "patching/no-pairs"],
  ])("%o is %s", async (values, code) => {
    await expect(run("patch", values)).rejects.toMatchObject({ code });
  });

  test.each([
    [[1, 2, 3], [1, 4, 5, 3], 'Where clean has "<2>", corrupt has "<4>", "<5>".'],
    [[1, 2, 3], [1, 3], 'Where clean has "<2>", corrupt has nothing.'],
    [[1, 1], [1, 1, 1], 'Where clean has nothing, corrupt has "<1>".'],
    [[0], [1, 2, 3, 4, 5, 6, 7, 8, 9], '"<8>", ….'],
  ])("%o and %o: what makes one longer is named", async (prompt, corrupt, why) => {
    await expect(run("patch", { prompt, corrupt })).rejects.toThrow(why);
  });

  test("a target of three tokens is refused in words", async () => {
    const three = { ...prompts, target: [1, 2, 3] };
    await expect(run("patch", three)).rejects.toThrow("one token, or two");
  });

  test("nodes stand at positions", async () => {
    const nodes = await run("patch", { ...prompts, nodes: true, positions: true });
    const heads = analysis("patch")
      .tables(nodes)
      .map(({ columns }) => columns.slice(0, 2).map(({ head, name }) => head ?? name));
    expect(heads).toEqual([
      ["node \\ position", '"<1>"@0'],
      ["node", "position"],
    ]);
  });

  test("is stopped between stacks", async () => {
    const control = new AbortController();
    control.abort(new Error("enough"));
    const params = await checkParameters(analysis("patch").params, prompts);
    await expect(analysis("patch").run(subject(control.signal), params)).rejects.toThrow("enough");
  });
});

test("circuit", async () => {
  const result = (await run("circuit", { ...prompts, method: "exact" })) as CircuitResult;
  expect(result).toMatchObject({ schemaVersion: 1, kind: "circuit", edgeCount: 15 });
  expect(result.sizes.at(-1)?.edges).toBe(15);
  expect(result.sizes.at(-1)?.faithfulness).toBeNear(1, { rtol: 1e-9 });
  const tables = analysis("circuit").tables(result);
  expect(tables[0]?.notes).toContainEqual(
    "5.0 % of 15 edges is less than one edge, so that none is kept",
  );
  expect(tables[1]?.rounding).toBeCloseTo(1e-14 * result.logitSize, 20);
  expect(tables.map(({ kind, rows }) => [kind, rows.length])).toEqual([
    ["circuit-size", 10],
    ["circuit-edge", 15],
    ["circuit-kept", 6],
  ]);
  expect(tables[0]?.notes?.at(-1)).toMatch(
    /^logit ".*" − ".*" of the model .*, with all 15 edges cut /,
  );
});

test.each([
  ["{", "no JSON"],
  ["3", "no tab"],
  ['{"clean": 3}', "neither"],
  ['{"clean": "a", "corrupt": [1.5]}', "neither"],
  ['{"clean": "a", "extra": 1}', '"extra"'],
  ['{"clean": "a", "target": []}', "got 0"],
])("the pairs %s", (line, why) => {
  const parse = (): unknown => parsePairs(`\n${line}`);
  expect(parse).toThrow(/line 2/);
  expect(parse).toThrow(why);
});
