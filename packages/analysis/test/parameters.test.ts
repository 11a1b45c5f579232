import { checkParameters, describeParameters, type Parameters } from "@resolvent/analysis";
import {
  choiceParameter,
  choicesParameter,
  countParameter,
  fileParameter,
  flagParameter,
  headParameter,
  layerParameter,
  modelParameter,
  newFileParameter,
  newFolderParameter,
  nodeParameter,
  nodesParameter,
  numberParameter,
  numbersParameter,
  parameters,
  positionParameter,
  promptParameter,
  promptsParameter,
  targetParameter,
  textParameter,
  textsParameter,
  tokenParameter,
} from "@resolvent/analysis/parameters";
import { InputError } from "@resolvent/tensor";
import { describe, expect, test } from "vitest";
import * as z from "zod";

/** A schema of no library, written to the standard: a word, said a number of times. */
const byHand: Parameters<{ word: string; times: number }> = {
  "~standard": {
    version: 1,
    vendor: "by-hand",
    validate: (value) => {
      const { word, times = 2 } = value as { word?: unknown; times?: unknown };
      if (typeof word !== "string") {
        return { issues: [{ message: "It has to be a text", path: ["word"] }] };
      }
      if (typeof times !== "number") {
        return { issues: [{ message: "It has to be a number.", path: [{ key: "times" }] }] };
      }
      return { value: { word, times } };
    },
    jsonSchema: {
      input: ({ target }) => ({
        $schema: target,
        type: "object",
        required: ["word"],
        properties: {
          word: { type: "string", description: "what is said" },
          times: { type: "number", exclusiveMaximum: 9, default: 2, title: "n" },
        },
      }),
      output: () => ({}),
    },
  },
};

/** How zod says what a prompt is. */
const zodPrompt = z.union([z.string(), z.array(z.int().min(0))]).meta({ format: "prompt" });

/** What is described but for what forms write beside it, which a test of its own looks at. */
const described = <P>(params: Parameters<P>): object[] =>
  describeParameters(params).map(({ label: _label, group: _group, ...own }) => own);

describe("describeParameters", () => {
  const byZod = z.object({
    prompt: zodPrompt.meta({ format: "prompt", description: "text to read" }),
    corrupt: zodPrompt.meta({ format: "prompt", description: "another text" }).optional(),
    others: z.array(zodPrompt).default([]).describe("more of them"),
    deep: z.boolean().default(true).describe("all the way"),
    top: z.int().min(1).default(10).describe("how many"),
    share: z.number().gt(0).max(1).optional().meta({ title: "p" }),
    below: z.number().lt(3).optional(),
    by: z.enum(["head", "block"]).default("block"),
    freeze: z.array(z.enum(["pattern", "norm"])).default(["norm"]),
    target: z.array(z.string()).optional(),
    sizes: z.array(z.number().min(0)).default([0.1, 0.5]),
    note: z.string(),
  });
  const own = parameters({
    prompt: promptParameter("text to read"),
    corrupt: promptParameter("another text", { optional: true }),
    others: promptsParameter("more of them"),
    deep: flagParameter("all the way", { default: true }),
    top: countParameter("how many", { default: 10, least: 1 }),
    share: numberParameter("", { above: 0, most: 1, optional: true, title: "p" }),
    below: numberParameter("", { below: 3, optional: true }),
    by: choiceParameter("", ["head", "block"], { default: "block" }),
    freeze: choicesParameter("", ["pattern", "norm"], { default: ["norm"] }),
    target: textsParameter("", { optional: true }),
    sizes: numbersParameter("", { least: 0, default: [0.1, 0.5] }),
    note: textParameter(""),
  });

  test.each<[string, Parameters<unknown>]>([
    ["ours", own],
    ["zod's", byZod],
  ])(
    "of a schema that is %s: every kind, in order, with bounds, defaults and placeholders",
    (_, params) => {
      expect(described(params)).toEqual([
        { name: "prompt", description: "text to read", required: true, kind: "prompt" },
        { name: "corrupt", description: "another text", required: false, kind: "prompt" },
        {
          ...{ name: "others", description: "more of them", required: false, default: [] },
          kind: "prompts",
        },
        { name: "deep", description: "all the way", required: false, default: true, kind: "flag" },
        {
          ...{ name: "top", description: "how many", required: false, default: 10 },
          ...{ kind: "number", range: { whole: true, least: 1 } },
        },
        {
          ...{ name: "share", description: "", placeholder: "p", required: false },
          ...{ kind: "number", range: { whole: false, above: 0, most: 1 } },
        },
        {
          ...{ name: "below", description: "", required: false },
          ...{ kind: "number", range: { whole: false, below: 3 } },
        },
        {
          ...{ name: "by", description: "", required: false, default: "block" },
          ...{ kind: "choice", choices: ["head", "block"] },
        },
        {
          ...{ name: "freeze", description: "", required: false, default: ["norm"] },
          ...{ kind: "choices", choices: ["pattern", "norm"] },
        },
        { name: "target", description: "", required: false, kind: "texts" },
        {
          ...{ name: "sizes", description: "", required: false, default: [0.1, 0.5] },
          ...{ kind: "numbers", range: { whole: false, least: 0 } },
        },
        { name: "note", description: "", required: true, kind: "text" },
      ]);
    },
  );

  test("of a schema written by hand, which is asked for JSON Schema 2020-12", () => {
    expect(described(byHand)).toEqual([
      { name: "word", description: "what is said", required: true, kind: "text" },
      {
        ...{ name: "times", description: "", placeholder: "n", required: false, default: 2 },
        ...{ kind: "number", range: { whole: false, below: 9 } },
      },
    ]);
  });

  test.each<[string, Parameters<unknown>, RegExp]>([
    ["no object", z.string(), /an object, got a schema of string/],
    ["a union of objects", z.union([z.object({}), z.object({})]), /an object, got a schema of/],
    ["an object inside", z.object({ a: z.object({}) }), /parameter a is .*no boolean, number/],
    ["a list of lists", z.object({ a: z.array(z.array(z.string())) }), /parameter a/],
    ["a list of booleans", z.object({ a: z.array(z.boolean()) }), /parameter a/],
    ["anything", z.object({ a: z.unknown() }), /parameter a is \{\}/],
    ["a name with hyphens", z.object({ "a-b": z.string() }), /maxDegree, got "a-b"/],
    ["a name that denies", z.object({ noBias: z.boolean() }), /say what is, got "noBias"/],
    ["a name in capitals", z.object({ ABC: z.string() }), /maxDegree, got "ABC"/],
  ])("refuses %s", (_, params, said) => {
    expect(() => describeParameters(params)).toThrow(InputError);
    expect(() => describeParameters(params)).toThrow(said);
  });
});

describe("checkParameters", () => {
  test("gives the values with their defaults", async () => {
    const params = parameters({
      prompt: promptParameter("text"),
      others: promptsParameter("more"),
    });
    expect(await checkParameters(params, { prompt: [1, 2] })).toEqual({
      prompt: [1, 2],
      others: [],
    });
    expect(await checkParameters(params, { prompt: "a", others: ["b", [3]] })).toEqual({
      prompt: "a",
      others: ["b", [3]],
    });
    expect(await checkParameters(byHand, { word: "hi" })).toEqual({ word: "hi", times: 2 });
  });

  test("names the parameter, what was expected and what came", async () => {
    await expect(checkParameters(byHand, {})).rejects.toMatchObject({
      code: "analysis/bad-parameters",
      message: "word: It has to be a text, got nothing.",
    });
    await expect(checkParameters(byHand, { word: "a", times: "b" })).rejects.toThrow(
      'times: It has to be a number. Got "b".',
    );
    const params = z
      .object({ low: z.number(), high: z.number() })
      .refine(({ low, high }) => low < high, "low has to be below high");
    await expect(checkParameters(params, { low: 2, high: 1 })).rejects.toThrow(
      /^low has to be below high\.$/,
    );
    const found = await checkParameters(params, { low: "x", high: null }).catch((error) => error);
    expect(found.details.faults).toMatchObject([
      { parameter: "low", got: "x" },
      { parameter: "high", got: null },
    ]);
  });

  test("takes no token ids that are none", async () => {
    const params = parameters({ prompt: promptParameter("text") });
    for (const prompt of [[-1], [1.5], ["a"], 3, null]) {
      await expect(checkParameters(params, { prompt })).rejects.toThrow(/^prompt: .*got/);
    }
  });
});

test("a file to write: named, unwritten, optional, and nothing else passes for one", async () => {
  const params = parameters({ save: newFileParameter("to keep") });
  expect(described(params)).toEqual([
    { name: "save", description: "to keep", placeholder: "file", required: false, kind: "newFile" },
  ]);
  const file = { name: "a.bin", write: async () => {} };
  expect((await checkParameters<{ save?: unknown }>(params, { save: file })).save).toBe(file);
  expect(await checkParameters(params, {})).toEqual({});
  for (const odd of ["a.bin", { name: "a.bin" }, { name: "a", stream: () => [] }, null]) {
    await expect(checkParameters(params, { save: odd })).rejects.toThrow(
      "save: Expected a file to write",
    );
  }
});

test("a folder to write: named, unwritten, optional, and nothing else passes for one", async () => {
  const params = parameters({ out: newFolderParameter("to keep") });
  expect(described(params)).toEqual([
    {
      ...{ name: "out", description: "to keep", placeholder: "folder" },
      ...{ required: false, kind: "newFolder" },
    },
  ]);
  expect(describeParameters(params)[0]?.group).toBe("output");
  const folder = { name: "a", write: async () => {} };
  expect((await checkParameters<{ out?: unknown }>(params, { out: folder })).out).toBe(folder);
  for (const odd of ["a", { name: "a" }, null]) {
    await expect(checkParameters(params, { out: odd })).rejects.toThrow(
      "out: Expected a folder to write",
    );
  }
});

test("another model, by its name; a word of a command where it says so", async () => {
  const params = parameters({
    other: modelParameter("to compare", { argument: true }),
    base: modelParameter("where both began", { optional: true }),
  });
  expect(described(params)).toEqual([
    {
      ...{ name: "other", description: "to compare", placeholder: "model" },
      ...{ required: true, argument: true, kind: "model" },
    },
    {
      ...{ name: "base", description: "where both began", placeholder: "model" },
      ...{ required: false, kind: "model" },
    },
  ]);
  expect(await checkParameters(params, { other: "tales" })).toEqual({ other: "tales" });
  await expect(checkParameters(params, { other: 3 })).rejects.toThrow("other: Expected a text");
  const lists = parameters({ many: numbersParameter("numbers", { argument: true }) });
  expect(() => describeParameters(lists)).toThrow("is an argument of a command");
});

test("a file: named, unread, optional, and nothing else passes for one", async () => {
  const params = parameters({ corpus: fileParameter("to read") });
  expect(described(params)).toEqual([
    { name: "corpus", description: "to read", placeholder: "file", required: false, kind: "file" },
  ]);
  const file = { name: "a.txt", stream: () => new Blob(["x"]).stream() };
  expect((await checkParameters<{ corpus?: unknown }>(params, { corpus: file })).corpus).toBe(file);
  expect(await checkParameters(params, {})).toEqual({});
  for (const odd of ["a.txt", { name: "a.txt" }, 3, null]) {
    await expect(checkParameters(params, { corpus: odd })).rejects.toThrow(
      "corpus: Expected a file",
    );
  }
});

test("what people pick from has kinds of its own; all has a label and a group", () => {
  const params = parameters({
    prompt: promptParameter("text"),
    head: headParameter("head", { optional: true }),
    layer: layerParameter("layer"),
    query: positionParameter("query"),
    sources: nodesParameter("sources", { label: "Where paths start" }),
    node: nodeParameter("node", { optional: true }),
    target: targetParameter(),
    bos: tokenParameter("first", { optional: true }),
    save: newFileParameter("to keep"),
    maxDegree: countParameter("highest", { default: 3 }),
    seed: countParameter("of chance", { default: 0, group: "chance" }),
  });
  const shown = describeParameters(params).map(({ name, kind, label, group }) => [
    ...[name, kind, label, group],
  ]);
  expect(shown).toEqual([
    ["prompt", "prompt", "prompt", "input"],
    ["head", "head", "head", "question"],
    ["layer", "layer", "layer", "question"],
    ["query", "position", "query", "question"],
    ["sources", "nodes", "Where paths start", "question"],
    ["node", "node", "node", "question"],
    ["target", "target", "target", "question"],
    ["bos", "token", "bos", "question"],
    ["save", "newFile", "save", "output"],
    ["maxDegree", "number", "max degree", "options"],
    ["seed", "number", "seed", "chance"],
  ]);
  const [, , layer, query] = describeParameters(params);
  expect(layer).toMatchObject({ required: false, range: { whole: true, least: 0 } });
  expect(query).toMatchObject({ placeholder: "pos", range: { whole: true, least: 0 } });
});
