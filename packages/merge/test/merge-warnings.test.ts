import { tinyModel } from "@resolvent/testkit";
import { expect, test } from "vitest";
import { mergeWarnings } from "../src/analyses/merge-warnings.ts";
import { openMergeModel, planMerge, readMergeConfig } from "../src/index.ts";

test("a model whose layers compute otherwise than the donor's is told by its name", async () => {
  const recipe = readMergeConfig({
    merge_method: "linear",
    models: [{ model: "a" }, { model: "b" }],
    parameters: { weight: 1 },
  });
  const warnings = async (fields: Readonly<Record<string, unknown>>) => {
    const models = new Map([
      ["a", await openMergeModel(tinyModel("llama"))],
      ["b", await openMergeModel(tinyModel("llama", { seed: 1, ...fields }))],
    ]);
    return mergeWarnings(recipe, planMerge(recipe, models), models);
  };
  expect(await warnings({})).toEqual([]);
  for (const fields of [{ rope_theta: 77 }, { rms_norm_eps: 0.01 }]) {
    expect(await warnings(fields)).toEqual([
      {
        code: "other-settings",
        message: expect.stringMatching(/^Layer 0 of b computes otherwise than that of a/),
      },
    ]);
  }
});

test("a filter that no tensor passes, and tokens that the config names by other ids, are told", async () => {
  const recipe = readMergeConfig({
    merge_method: "linear",
    slices: [
      {
        sources: ["a", "b"].map((model) => ({
          model,
          layer_range: [0, 1],
          parameters: { weight: [{ filter: "q_prj", value: 2 }, { value: 1 }] },
        })),
      },
    ],
    parameters: { normalize: [{ filter: "mlp", value: true }] },
    tokenizer_source: "b",
  });
  const open = async (tokens: readonly string[]) => ({
    ...(await openMergeModel(
      tinyModel("llama", { bos_token_id: 0, eos_token_id: [1, 2], vocab_size: 3 }),
    )),
    vocabulary: {
      ordinary: new Map(tokens.map((token, id) => [token, id] as const)),
      added: new Map<string, number>(),
    },
  });
  const models = new Map([
    ["a", await open(["x", "</s>", "<end>"])],
    ["b", await open(["x", "<end>", "y"])],
  ]);
  const warnings = mergeWarnings(recipe, planMerge(recipe, models), models);
  expect(warnings.map(({ message }) => message)).toEqual([
    ...[0, 1].map(
      (i) =>
        `slices[0].sources[${i}].parameters.weight[0] has no effect: its filter "q_prj" is part of no tensor's name.`,
    ),
    'The result has the config.json of a, whose eos_token_id is 1 for "</s>"; in the vocabulary of b that is not there.',
    'The result has the config.json of a, whose eos_token_id is 2 for "<end>"; in the vocabulary of b that has the id 1.',
  ]);
});
