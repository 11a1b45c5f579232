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
