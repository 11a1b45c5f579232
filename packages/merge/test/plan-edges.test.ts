import { tinyModel } from "@resolvent/testkit";
import { memoryFolder, writeSafetensors } from "@resolvent/weights";
import { expect, test } from "vitest";
import {
  type MergeConfig,
  type MergeModel,
  openMergeModel,
  planMerge,
  readMergeConfig,
} from "../src/index.ts";

test("vocabularies of the largest models are joined", async () => {
  const rows = 150_000; // more than a call takes arguments
  const vocabulary = {
    ordinary: new Map(Array.from({ length: rows }, (_, id) => [`t${id}`, id])),
    added: new Map<string, number>(),
  };
  const small = await openMergeModel(tinyModel("llama"));
  const tensors = [...small.tensors].map(
    ([
      name,
      {
        dtype,
        shape: [first = 0, ...rest],
      },
    ]) => {
      const table = /embed_tokens|lm_head/.test(name);
      return [name, { dtype, shape: [table ? rows : first, ...rest] }] as const;
    },
  );
  const model: MergeModel = {
    config: { ...small.config, vocab_size: rows },
    tensors: new Map(tensors),
    vocabulary,
  };
  const recipe = readMergeConfig({
    merge_method: "passthrough",
    models: [{ model: "m" }],
    tokenizer: { source: "union", tokens: { new: { source: { kind: "zero" } } } },
  });
  const { tokenizer } = planMerge(recipe, new Map([["m", model]]));
  expect(tokenizer?.rows).toBe(rows + 1);
  expect(tokenizer?.vocab.new).toBe(rows);
});

test.each<[MergeConfig["merge_method"], string, number]>([
  ["breadcrumbs", "gamma", -0.1],
  ["sce", "select_topk", -1],
  ["multislerp", "eps", -1e-8],
  ["karcher", "tol", -1],
  ["karcher", "max_iter", 1e9],
])("%s with %s %d is refused", async (merge_method, name, value) => {
  const recipe = readMergeConfig({
    merge_method,
    base_model: "base",
    models: [{ model: "a" }, { model: "b" }],
    parameters: { weight: 1, [name]: value },
  });
  const model = await openMergeModel(tinyModel("llama"));
  const models = new Map(["a", "b", "base"].map((of) => [of, model]));
  expect(() => planMerge(recipe, models)).toThrow(
    expect.objectContaining({
      code: "merge/parameter",
      details: expect.objectContaining({ name, value }),
    }),
  );
});

test("a tensor of a shard that the index does not name is refused", async () => {
  const one = (name: string) => ({
    name,
    dtype: "F32" as const,
    shape: [1],
    bytes: new Uint8Array(4),
  });
  const shard = await writeSafetensors([one("a"), one("b")]);
  const open = async (...names: string[]) => {
    const weight_map = Object.fromEntries(names.map((name) => [name, "x.safetensors"]));
    return await openMergeModel(
      memoryFolder(
        new Map([
          ["config.json", new TextEncoder().encode("{}")],
          [
            "model.safetensors.index.json",
            new TextEncoder().encode(JSON.stringify({ weight_map })),
          ],
          ["x.safetensors", shard],
        ]),
      ),
    );
  };
  await expect(open("a", "b")).resolves.toBeDefined();
  await expect(open("a")).rejects.toMatchObject({
    code: "merge/unexpected-tensor",
    details: { tensor: "b", file: "x.safetensors" },
  });
});

test("layers that are not there are refused with their range", async () => {
  const model = await openMergeModel(tinyModel("llama"));
  for (const layer_range of [
    [-1, 1],
    [2, 1],
    [0, 99],
  ] as const) {
    const recipe = readMergeConfig({
      merge_method: "passthrough",
      slices: [{ sources: [{ model: "m", layer_range }] }],
    });
    const [start, end] = layer_range;
    expect(() => planMerge(recipe, new Map([["m", model]]))).toThrow(
      expect.objectContaining({
        code: "merge/layer-range",
        details: expect.objectContaining({ start, end }),
      }),
    );
  }
});

test("a parameter that stands where it has no effect is named where it is missed", async () => {
  const model = await openMergeModel(tinyModel("llama"));
  const recipe = readMergeConfig({
    merge_method: "slerp",
    base_model: "a",
    models: [{ model: "a" }, { model: "b", parameters: { t: 0.5 } }],
  });
  const models = new Map(["a", "b"].map((name) => [name, model]));
  expect(() => planMerge(recipe, models)).toThrow(
    /t for .* is not given.* at the top or at the slice; models\[1\]\.parameters\.t has no effect/,
  );
});

test("a second copy of a tied embedding has the embedding's shape", async () => {
  const tied = await openMergeModel(tinyModel("llama", { tie_word_embeddings: true }));
  const { dtype = "F32", shape = [] } = tied.tensors.get("model.embed_tokens.weight") ?? {};
  const recipe = readMergeConfig({ merge_method: "passthrough", models: [{ model: "m" }] });
  const planned = (rows: number) => {
    const copy = { dtype, shape: [rows, shape[1] ?? 0] } as const;
    const tensors = new Map([...tied.tensors, ["lm_head.weight", copy] as const]);
    return planMerge(recipe, new Map([["m", { ...tied, tensors }]]));
  };
  expect(planned(shape[0] ?? 0).config.tie_word_embeddings).toBe(false);
  expect(() => planned(7)).toThrow(/lm_head.weight of m should be \[29, .*got \[7, /);
});

test("an unembedding is said of the whole config too, where that speaks of it", async () => {
  const open = (tie_word_embeddings: boolean) =>
    openMergeModel(tinyModel("gemma3", { tie_word_embeddings }));
  const models = { tied: await open(true), untied: await open(false) };
  const recipe = readMergeConfig({
    merge_method: "linear",
    models: Object.keys(models).map((model) => ({ model })),
    parameters: { weight: 1 },
  });
  const { config, donor } = planMerge(recipe, new Map(Object.entries(models)));
  expect(donor).toBe("tied");
  expect(config).toMatchObject({
    tie_word_embeddings: false,
    text_config: { tie_word_embeddings: false },
  });
});

test("models without rows by token are not brought to one vocabulary", async () => {
  const model = await openMergeModel(tinyModel("transformer_lens-gated"));
  const vocabulary = { ordinary: new Map([["a", 0]]), added: new Map<string, number>() };
  const recipe = readMergeConfig({
    merge_method: "passthrough",
    models: [{ model: "m" }],
    tokenizer_source: "base",
  });
  expect(() => planMerge(recipe, new Map([["m", { ...model, vocabulary }]]))).toThrow(
    expect.objectContaining({ code: "merge/tokenizer-tables" }),
  );
});

test("a model without tokens is refused by the plan, whosever vocabulary the result gets", async () => {
  const model = await openMergeModel(tinyModel("llama"));
  const vocabulary = { ordinary: new Map([["a", 0]]), added: new Map<string, number>() };
  const models = new Map([
    ["m", { ...model, vocabulary }],
    ["without", model],
  ]);
  for (const tokenizer_source of ["base", "union"]) {
    const recipe = readMergeConfig({
      merge_method: "linear",
      models: [{ model: "m" }, { model: "without" }],
      parameters: { weight: 1 },
      tokenizer_source,
    });
    expect(() => planMerge(recipe, models)).toThrow(
      expect.objectContaining({ code: "merge/tokenizer-missing" }),
    );
  }
});
