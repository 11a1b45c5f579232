import { METHODS, type MethodName, readMergeConfig } from "@resolvent/merge";
import { describe, expect, test } from "vitest";
import { mergeConfig, mergeParametersOf, startForm } from "../src/state/merge-form.ts";

const names = ["tales", "tales-colours", "tales-rows"];

describe("the form of every method", () => {
  test.each(Object.keys(METHODS) as MethodName[])("%s", (method) => {
    const form = startForm(method, { names });
    // What it starts with can be read, and all of it has an effect.
    const recipe = readMergeConfig(mergeConfig(form));
    expect(recipe).toMatchObject({ method, ignored: [] });
    // So has every field, with what it says it is anyway.
    const typed = (per: "input" | "output") =>
      Object.fromEntries(
        mergeParametersOf(method, per)
          .filter(({ hint }) => hint !== "none")
          .map(({ name, hint }) => [name, hint === "" ? "0.5" : hint]),
      );
    const models = form.models.map(({ model }) => ({ model, parameters: typed("input") }));
    const full = { ...form, models, parameters: typed("output"), dtype: "bfloat16" };
    expect(readMergeConfig(mergeConfig(full))).toMatchObject({
      method,
      ignored: [],
      dtype: "BF16",
    });
  });
});

test("names that mean something to YAML stay names; a list goes along the layers", () => {
  const hash = `sha:${"0".repeat(64)}`;
  const form = startForm("slerp", { names: [hash, "hub:tiny/mine@abc"] });
  const text = mergeConfig({ ...form, parameters: { t: "[0, 0.5, 1]" } });
  const { slices, base } = readMergeConfig(text);
  expect(base).toBe(hash);
  expect(slices[0]?.sources.map(({ model }) => model)).toEqual(["hub:tiny/mine@abc", hash]);
});
