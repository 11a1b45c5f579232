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
    return mergeWarnings(planMerge(recipe, models), models);
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
