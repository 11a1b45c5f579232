import { tinyModel } from "@resolvent/testkit";
import { expect, test } from "vitest";
import { type MergeConfig, openMergeModel, planMerge, readMergeConfig } from "../src/index.ts";

async function planOf(config: MergeConfig, family: string, fields: Record<string, unknown> = {}) {
  const recipe = readMergeConfig(config);
  const model = await openMergeModel(tinyModel(family, fields));
  return planMerge(recipe, new Map([["m", model]]));
}

const stack = (...ranges: [number, number][]): MergeConfig => ({
  merge_method: "passthrough",
  slices: ranges.map((layer_range) => ({ sources: [{ model: "m", layer_range }] })),
});

test("values by layer move with their layers", async () => {
  const layer_types = ["full_attention", "sliding_attention", "full_attention"];
  const fields = { num_hidden_layers: 3, layer_types, use_sliding_window: true, sliding_window: 4 };
  const { config, layers } = await planOf(stack([0, 2], [1, 3]), "qwen3", fields);
  expect(layers).toBe(4);
  expect(config).toMatchObject({
    num_hidden_layers: 4,
    layer_types: ["full_attention", "sliding_attention", "sliding_attention", "full_attention"],
  });
});

test("values by layer are those of the model that a layer comes from", async () => {
  const recipe = readMergeConfig({
    merge_method: "passthrough",
    slices: [0, 1].map((i) => ({
      sources: [{ model: i === 0 ? "first" : "second", layer_range: [i, i + 1] }],
    })),
  });
  const plan = async (family: string, first: object, second: object) => {
    const open = async (fields: object) =>
      await openMergeModel(tinyModel(family, { sliding_window: 4, ...fields }));
    const models = { first: await open(first), second: await open(second) };
    return planMerge(recipe, new Map(Object.entries(models))).config;
  };
  const types = (...layer_types: string[]) => ({ use_sliding_window: true, layer_types });
  const [full, sliding] = ["full_attention", "sliding_attention"];
  expect(await plan("qwen3", types(full, full), types(full, sliding))).toMatchObject({
    layer_types: [full, sliding],
  });
  expect(await plan("qwen3", types(full, full), types(sliding, full))).not.toHaveProperty(
    "layer_types",
  );
  // What the donor's config has no place for, or no window.
  const from = (max_window_layers: number) => ({ use_sliding_window: true, max_window_layers });
  for (const [family, first, second] of [
    ["gemma2", {}, { layer_types: [full, sliding] }],
    ["qwen2", from(2), from(1)],
    ["qwen3", { ...types(full, full), use_sliding_window: false }, types(full, sliding)],
  ] as const) {
    await expect(plan(family, first, second)).rejects.toMatchObject({
      code: "merge/layer-settings",
      details: { place: 1, model: "second", layer: 1 },
    });
  }
});

test("a layer whose window would change at its new place is refused", async () => {
  const fields = { num_hidden_layers: 3, sliding_window: 4 };
  await expect(planOf(stack([0, 1], [2, 3]), "gemma2", fields)).rejects.toMatchObject({
    code: "merge/layer-settings",
  });
  await expect(planOf(stack([0, 2], [0, 1]), "gemma2", fields)).resolves.toMatchObject({
    layers: 3,
  });
});

test("layers move of models in which some tensors may be absent", async () => {
  const { layers } = await planOf(stack([0, 2], [0, 1]), "transformer_lens-gated");
  expect(layers).toBe(3);
});

test("a donor with an unembedding of its own gets one, also from models that have none", async () => {
  const recipe = readMergeConfig({
    merge_method: "passthrough",
    base_model: "untied",
    slices: [{ sources: [{ model: "tied", layer_range: [0, 1] }] }],
  });
  const open = (tie_word_embeddings: boolean) =>
    openMergeModel(tinyModel("llama", { tie_word_embeddings }));
  const models = { untied: await open(false), tied: await open(true) };
  const { config, tensors } = planMerge(recipe, new Map(Object.entries(models)));
  expect(config.tie_word_embeddings).toBe(false);
  expect(tensors["lm_head.weight"]?.inputs).toEqual([
    { model: "tied", tensor: "model.embed_tokens.weight", parameters: { scale: null } },
  ]);
});

test("a result of no layers, and of far too many, is refused", async () => {
  await expect(planOf(stack([1, 1]), "llama")).rejects.toMatchObject({ code: "merge/no-layers" });
  const many = Array.from({ length: 6000 }, (): [number, number] => [0, 2]);
  await expect(planOf(stack(...many), "llama")).rejects.toMatchObject({ code: "merge/no-layers" });
});

test("buffers are left out, and said; a tensor of another size is refused", async () => {
  const recipe = readMergeConfig({ merge_method: "passthrough", models: [{ model: "m" }] });
  const model = await openMergeModel(tinyModel("gpt2"));
  const mask = { dtype: "F32" as const, shape: [1, 1, 24, 24] };
  const masked = new Map([...model.tensors, ["h.0.attn.bias", mask]]);
  const plan = planMerge(recipe, new Map([["m", { ...model, tensors: masked }]]));
  expect(plan.leftOut).toEqual([{ model: "m", tensor: "h.0.attn.bias" }]);
  const [name = ""] = [...model.tensors.keys()].filter((one) => one.endsWith("ln_f.weight"));
  const odd = new Map([...model.tensors, [name, { dtype: "F32" as const, shape: [17] }]]);
  expect(() => planMerge(recipe, new Map([["m", { ...model, tensors: odd }]]))).toThrow(
    /should be \[16\].*got \[17\]/,
  );
});

test.each(["gpt_neox", "gemma3", "transformer_lens-gated"])(
  "%s as it is: all its tensors, and its own config",
  async (family) => {
    const model = await openMergeModel(tinyModel(family));
    const recipe = readMergeConfig({ merge_method: "passthrough", models: [{ model: "m" }] });
    const { tensors, layers } = planMerge(recipe, new Map([["m", model]]));
    expect(Object.keys(tensors).sort()).toEqual(model.checkpoint.names);
    expect(layers).toBeGreaterThan(1);
  },
);

test.each<[string, Record<string, unknown>, string]>([
  ["another width", { hidden_size: 24, head_dim: 4 }, "shape"],
  ["other rows", { vocab_size: 40 }, "vocabulary"],
  ["biases", { attention_bias: true }, "unexpected-tensor"],
])("a stack on layers of a model with %s is refused", async (_, fields, code) => {
  const recipe = readMergeConfig({
    merge_method: "passthrough",
    slices: ["m", "odd"].map((model) => ({ sources: [{ model, layer_range: [0, 1] }] })),
  });
  const models = new Map([
    ["m", await openMergeModel(tinyModel("llama", { num_hidden_layers: 1 }))],
    ["odd", await openMergeModel(tinyModel("llama", { num_hidden_layers: 1, ...fields }))],
  ]);
  expect(() => planMerge(recipe, models)).toThrow(
    expect.objectContaining({ code: `merge/${code}` }),
  );
  if (code === "unexpected-tensor") {
    const without = { ...recipe, base: "odd" };
    expect(() => planMerge(without, models)).toThrow(
      expect.objectContaining({ code: "merge/tensor-missing" }),
    );
  }
});
