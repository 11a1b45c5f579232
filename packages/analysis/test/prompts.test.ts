import { cost, InputError, reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, outlineModel } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import {
  certificateFor,
  checkParameters,
  computedResult,
  defineAnalysis,
  describeParameters,
  overPrompts,
  type Progress,
  type PromptSet,
  parsePromptRows,
  type Result,
  runningSpread,
  type Subject,
  soundnessOf,
  spreadOf,
  studentT,
} from "../src/index.ts";
import { parameters, promptParameter, targetParameter } from "../src/parameters.ts";

const prompts = (text: string) => parsePromptRows(text).map(({ prompt }) => prompt);

describe("files of prompts", () => {
  test("plain text: a prompt a line, spaces kept, whatever ends lines", () => {
    expect(parsePromptRows("\uFEFFOnce upon \r\n\r\n a time\n")).toEqual([
      { line: 1, prompt: "Once upon " },
      { line: 3, prompt: " a time" },
    ]);
    expect(parsePromptRows("a\t Mary, John")).toEqual([
      { line: 1, prompt: "a", target: [" Mary", " John"] },
    ]);
  });

  test("JSON lines: objects and lists of ids", () => {
    const text =
      '{"prompt": "a, b", "target": [" Mary", 5]}\r\n[1,2,3]\n{"prompt":[4],"target":","}';
    expect(parsePromptRows(text)).toEqual([
      { line: 1, prompt: "a, b", target: [" Mary", 5] },
      { line: 2, prompt: [1, 2, 3] },
      { line: 3, prompt: [4], target: [","] },
    ]);
  });

  test("CSV with a header: quotes, commas and lines within", () => {
    const text = 'prompt,target\r\n"a, ""b""\nc",""" Mary"","" John"""\nplain,\n';
    expect(parsePromptRows(text)).toEqual([
      { line: 2, prompt: 'a, "b"\nc', target: [" Mary", " John"] },
      { line: 4, prompt: "plain" },
    ]);
    expect(prompts("prompt\na b\n")).toEqual(["a b"]);
  });

  test.each([
    ["", "analysis/no-prompts", undefined],
    ["\uFEFF \r\n\n", "analysis/no-prompts", undefined],
    ['{"prompt": "a"}\n{"prompt": 5}', "analysis/bad-prompts", 2],
    ['{"prompt": "a"}\n\n{"prompt": "b"', "analysis/bad-prompts", 3],
    ['{"prompt": "a", "targets": 1}', "analysis/bad-prompts", 1],
    ['{"prompt": ""}', "analysis/bad-prompts", 1],
    ["[]", "analysis/bad-prompts", 1],
    ["[1.5]", "analysis/bad-prompts", 1],
    ['{"prompt": "a", "target": [1, 2, 3]}', "analysis/bad-prompts", 1],
    ['{"prompt": "a", "target": [true]}', "analysis/bad-prompts", 1],
    ["prompt,label\na,b", "analysis/bad-prompts", 1],
    ["prompt,target\na,b\nc", "analysis/bad-prompts", 3],
    ['prompt\n"a', "analysis/bad-prompts", 0],
    ["a\tb\tc", "analysis/bad-prompts", 1],
    ["a\n".repeat(4097), "analysis/too-many-prompts", undefined],
  ])("%j is refused as %s", (text, code, line) => {
    const details = line === undefined ? {} : { details: expect.objectContaining({ line }) };
    expect(() => parsePromptRows(text)).toThrow(expect.objectContaining({ code, ...details }));
  });
});

test("a mean and its interval are those of tables of Student's t", () => {
  const table = {
    1: 12.7062,
    2: 4.30265,
    3: 3.18245,
    5: 2.57058,
    10: 2.22814,
    30: 2.04227,
    100: 1.98397,
  };
  for (const [freedom, t] of Object.entries(table)) {
    expect(studentT(Number(freedom))).toBeNear(t, { rtol: 2e-6 });
  }
  expect(studentT(1e9)).toBeNear(1.959964, { rtol: 1e-6 });
  expect(spreadOf([4])).toEqual({ mean: 4, low: null, high: null, count: 1 });
  const { mean, low, high } = spreadOf([1, 2, 3, 6]);
  expect(mean).toBe(3);
  const half = (3.182446 * Math.sqrt(14 / 3)) / 2;
  expect(high).toBeNear(3 + half, { rtol: 1e-6 });
  expect(low).toBeNear(3 - half, { rtol: 1e-6 });
  // As values pass by, far from zero too.
  const passing = runningSpread();
  expect(passing.spread()).toBeNull();
  const far = [1e6 + 1, 1e6 + 2, 1e6 + 3, 1e6 + 6];
  for (const value of far) passing.add(value);
  const own = passing.spread();
  expect(own?.mean).toBe(spreadOf(far).mean);
  expect(own?.high).toBeNear(1e6 + 3 + half, { rtol: 1e-12 });
});

describe("an analysis over prompts", () => {
  /** Its numbers are those of the tokens. */
  const plain = defineAnalysis({
    name: "sums",
    summary: "sums of ids",
    description: "Adds up the ids of MODEL's tokens.",
    params: parameters({ prompt: promptParameter("text to read"), target: targetParameter() }),
    float64: true,
    estimate: () => ({ ...cost().total(), flops: 5, peakBytes: 7 }),
    run: async ({ engine, model, vocabulary, inFloat64 }, { prompt, target }) => ({
      ...computedResult("sums", engine, model, {
        freeze: ["norm"],
        reference: { kind: "mean", prompts: [vocabulary.encode(prompt)] },
        certificate: certificateFor("f32", vocabulary.encode(prompt).length * 1e-12, {
          tolerance: 1e-9,
          // A prompt that begins with the last letter does not add up.
          float64:
            (await inFloat64?.(async ({ precision }) =>
              vocabulary.encode(prompt)[0] === 25 ? 0.5 : precision === "f64" ? 3e-13 : 1,
            )) ?? null,
        }),
        warnings: [{ code: "long", message: `has ${vocabulary.encode(prompt).length}` }],
      }),
      ids: vocabulary.encode(prompt),
      target: target ?? null,
    }),
    tables: ({ ids }) => [
      {
        kind: "sum",
        title: "Sums",
        columns: [
          { name: "part", kind: "text" },
          { name: "effect", kind: "effect" },
          { name: "note", kind: "text" },
        ],
        rows: [
          ["small", ids.length, "x"],
          ["all", ids.reduce((a, b) => a + b, 0), "y"],
          ...(ids.length > 2 ? [["long", 1, "z"]] : []),
        ],
      },
      { kind: "places", columns: [{ name: "a", kind: "effect" }], rows: [[1]] },
    ],
    tableKinds: ["sum", "places"],
    answer: () => ["one prompt"],
    views: () => [],
  });
  const over = overPrompts(plain, { single: ["places"] });
  const folder = tinyModel("gpt2");
  const letter = (text: string): number => {
    const id = text.charCodeAt(0) - 97;
    if (id >= 0) return id;
    throw new InputError({ code: "test/no-token", message: `There is no ${text}.` });
  };
  const vocabulary = {
    encode: (prompt: string | readonly number[]) =>
      typeof prompt === "string" ? [...prompt].map(letter) : prompt,
    tokenId: Number,
    text: String,
    entry: String,
    decode: String,
  };
  /** How often the model was loaded in float64. */
  let loads = 0;
  const subject = async (float64: boolean): Promise<Subject<Tensor>> => {
    const model = await loadModel(reference, folder, { hash: false });
    return {
      ...{ engine: reference, model },
      ...{ vocabulary, signal: new AbortController().signal, onProgress: () => {} },
      linearAlgebra: () => Promise.reject(new Error("not needed")),
      inFloat64: float64
        ? async (use) => {
            loads++;
            return await use(reference, model, {});
          }
        : undefined,
    };
  };
  const run = async (values: Record<string, unknown>, float64 = true) =>
    await over.run(await subject(float64), await checkParameters(over.params, values));

  test("one prompt is analysed as ever", async () => {
    const result = await run({ prompt: "abc" });
    expect(result).toMatchObject({
      ...{ kind: "sums", ids: [0, 1, 2] },
      certificate: { relativeErrorFloat64: 3e-13 },
    });
    expect(over.tables(result)).toEqual(plain.tables(result));
    expect(describeParameters(over.params).map(({ name, required }) => [name, required])).toEqual([
      ["prompt", true],
      ["target", false],
      ["prompts", false],
      ["each", false],
    ]);
  });

  test("numbers of several become means with intervals, row by row", async () => {
    const result: PromptSet = await run({ prompts: "bb\nbcd\n", target: ["1"] });
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    expect(result).toMatchObject({ kind: "prompt-set", analysis: "sums", each: null });
    expect(result.prompts.map(({ line, tokens }) => [line, tokens.length])).toEqual([
      [1, 2],
      [2, 3],
    ]);
    const [table, ...more] = result.means;
    expect(more).toEqual([]); // places are those of one prompt
    expect(table?.rows).toEqual([
      { keys: ["all"], values: [spreadOf([2, 6])], count: 2 },
      { keys: ["small"], values: [spreadOf([2, 3])], count: 2 },
      { keys: ["long"], values: [spreadOf([1])], count: 1 },
    ]);
    const [means, list] = over.tables(result);
    expect(means).toMatchObject({ kind: "sum-mean", title: "Sums: means over 2 prompts" });
    const half = 12.706204736174694 * 2;
    expect(means?.rows[0]).toEqual([
      "all",
      4,
      expect.closeTo(half, 9),
      expect.closeTo(4 - half, 9),
      expect.closeTo(4 + half, 9),
      2,
    ]);
    expect(means?.notes?.[1]).toContain("of 2");
    expect(list?.rows.length).toBe(2);
  });

  test("the answer of several is the largest mean, with its interval; bars stand for their table", async () => {
    const result = await run({ prompts: "bb\nbcd\n" });
    // 4 ± 25.4 reaches over zero.
    expect(over.answer?.(result)?.[0]).toMatch(
      /^Over 2 prompts, part all has the largest mean effect in .*: 4\.00 ± 25\.4, so that its sign is open\.$/,
    );
    expect(over.views?.(result)).toEqual([
      expect.objectContaining({ mark: "bars", table: "sum-mean", title: "Sums: mean effect" }),
    ]);
    const steady = await run({ prompts: "bc\nbc\n" });
    expect(over.answer?.(steady)?.[0]).toMatch(/: 3\.00 ± 0\.$/);
    const single = await run({ prompts: "bc\n" });
    expect(over.answer?.(single)?.[0]).toMatch(/^Over 1 prompt, part all has .*: 3\.00\.$/);
  });

  test("each prompt is certified, in float64 too, and the set says the worst", async () => {
    loads = 0;
    const good: PromptSet = await run({ prompts: "ab\nabcd\nc\n" });
    expect(loads).toBe(1); // for all of them
    expect(good.certificate).toEqual({
      ...{ relativeError: 4e-12, relativeErrorFloat64: 3e-13, verdict: "adds-up" },
      ...{ tolerance: 1e-9, toleranceFloat64: 1e-9 },
    });
    expect(good.aboveTolerance).toEqual([]);
    expect(soundnessOf(good).unbalanced).toEqual([]);
    expect(over.tables(good)[0]?.notes?.at(-1)).toMatch(
      /^certificate: the worst of 3 prompts = 4.0e-12 \(f64\)/,
    );

    const bad: PromptSet = await run({ prompts: "ab\n\nz\nzz" });
    expect(bad.certificate).toMatchObject({
      ...{ relativeErrorFloat64: 0.5, verdict: "does-not-add-up" },
    });
    expect(bad.aboveTolerance).toEqual([3, 4]);
    expect(soundnessOf(bad).unbalanced).toMatchObject([
      { at: "certificate.relativeErrorFloat64", error: 0.5 },
    ]);
    expect(over.tables(bad)[0]?.notes?.at(-1)).toContain(
      "2 of 3 prompts are above the tolerance: line 3, 4",
    );

    const without: PromptSet = await run({ prompts: "ab\nz" }, false);
    expect(without.certificate).toMatchObject({ relativeError: 2e-12, relativeErrorFloat64: null });
  });

  test("one prompt has a mean and no interval; the same twice counts twice", async () => {
    const one: PromptSet = await run({ prompts: "\uFEFFbcd\r\n" });
    expect(one.means[0]?.rows[0]).toEqual({
      ...{ keys: ["all"], values: [{ mean: 6, low: null, high: null, count: 1 }], count: 1 },
    });
    expect(over.tables(one)[0]?.rows[0]).toEqual(["all", 6, null, null, null, 1]);
    expect(over.tables(one)[0]?.notes?.[0]).toContain("which one prompt does not have");
    const twice: PromptSet = await run({ prompts: "bb\nbb\nbcd" });
    expect(twice.prompts.length).toBe(3);
    expect(twice.means[0]?.rows[0]?.values).toEqual([spreadOf([2, 2, 6])]);
  });

  test("what is wrong with one prompt names its line", async () => {
    await expect(run({ prompts: "ab\r\n\r\na!c" })).rejects.toMatchObject({
      code: "test/no-token",
      message: expect.stringMatching(/^Prompts, line 3: /),
      details: { line: 3 },
    });
  });

  test("each is kept on demand, with a target of its own", async () => {
    const text = '{"prompt": "ab", "target": 4}\n{"prompt": "b"}';
    const result: PromptSet = await run({ prompts: text, target: ["1"], each: true });
    expect(result.each).toMatchObject([
      { ids: [0, 1], target: [4] },
      { ids: [1], target: ["1"] },
    ]);
  });

  test("the head has what all have alike, the worst certificate, and each warning once", async () => {
    const result: PromptSet = await run({ prompts: "bb\nbcdd\nbcd\n" });
    expect(result).toMatchObject({
      ...{ freeze: ["norm"], reference: { kind: "mean", prompts: [] }, weightProcessing: "none" },
      certificate: { relativeError: 4e-12, verdict: "adds-up" },
      warnings: [{ code: "long", message: "has 2" }],
    });
    expect((await run({ prompts: "bb\nbb\n" })).reference.prompts).toEqual([[1, 1]]);
    const long = await run({ prompts: `b\n${"b".repeat(1001)}\nbb` });
    expect(long.certificate).toMatchObject({ relativeError: 1001e-12, verdict: "does-not-add-up" });
  });

  test("after each prompt but the last, what there is so far is the result of these prompts", async () => {
    const heard: [unknown, Progress][] = [];
    const params = await checkParameters(over.params, { prompts: "bb\nbcd\nc\n" });
    const listening = {
      ...(await subject(true)),
      onPartial: (result: Result, progress: Progress) => heard.push([result, progress]),
    };
    await over.run(listening, params);
    expect(heard.map(([, progress]) => progress)).toEqual([
      { done: 1, total: 3, of: "prompt" },
      { done: 2, total: 3, of: "prompt" },
    ]);
    expect(heard[0]?.[0]).toEqual(await run({ prompts: "bb\n" }));
    expect(heard[1]?.[0]).toEqual(await run({ prompts: "bb\nbcd\n" }));
  });

  test("the cost is that of all, one after the other", async () => {
    const model = await outlineModel(folder);
    const params = await checkParameters(over.params, { prompts: "ab\nc\nd" });
    const all = over.estimate({ model, vocabulary, precision: "f32" }, params);
    expect(all).toMatchObject({ flops: 15, peakBytes: 7 });
  });

  test.each([
    [{ prompts: "a", prompt: "b" }, "analysis/bad-parameters"],
    [{ prompt: "b", each: true }, "analysis/bad-parameters"],
    [{ prompts: "a", each: 3 }, "analysis/bad-parameters"],
    [{ prompts: 3 }, "analysis/bad-parameters"],
    [{}, "analysis/bad-parameters"],
    [{ prompts: "" }, "analysis/no-prompts"],
    [{ prompts: '{"prompt":"a","target":[1,2,3]}' }, "analysis/bad-prompts"],
  ])("%j is refused", async (values, code) => {
    await expect(checkParameters(over.params, values)).rejects.toMatchObject({ code });
  });
});
