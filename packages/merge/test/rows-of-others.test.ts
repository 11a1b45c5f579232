import { describeWithFixtures } from "@resolvent/testkit";
import { decodeNumbers } from "@resolvent/weights";
import { expect, test } from "vitest";
import { alignRows, type TokenTable } from "../src/align-rows.ts";
import { mergedBytes, mergePlanned, planMerge, readMergeConfig } from "../src/index.ts";
import { modelsFor } from "./fixture-models.ts";

/** A table of one column: its rows are its numbers. */
function table(model: string, rows: Readonly<Record<string, number>>): TokenTable {
  const tokens = Object.keys(rows);
  return {
    model,
    x: Float64Array.from(Object.values(rows)),
    row: (token) => (tokens.includes(token) ? tokens.indexOf(token) : undefined),
  };
}

test("rows that no merged table has come from the merge's other models; else these do not count", () => {
  const [own, beside] = [table("own", { a: 1 }), table("beside", { a: 2, b: 3 })];
  const others = [table("one", { b: 100, c: 10, d: 20 }), table("base", { d: 60 })];
  const more = table("more", { d: 40, e: 7 });
  const vocab = { a: 0, b: 1, c: 2, d: 3, e: 4, f: 5 };
  const tokenizer = { source: "union", vocab, rows: 7, tokens: {} };
  const rows = (base: string | null) =>
    alignRows(own, [own, beside], { tokenizer, width: 1, base, others: [...others, more] });
  const padded = (values: readonly number[]) => [...values, values.reduce((a, b) => a + b) / 6];
  expect([...rows("base")]).toEqual(padded([1, 3, 10, 60, 7, 0]));
  expect([...rows(null)]).toEqual(padded([1, 3, 10, 40, 7, 0]));
});

describeWithFixtures("a stack", (fixtures) => {
  test("has rows for the tokens of all its models", async () => {
    const recipe = readMergeConfig({
      merge_method: "passthrough",
      slices: ["a", "chat"].map((name) => ({
        sources: [{ model: `models/llama-${name}`, layer_range: [0, 1] }],
      })),
      tokenizer_source: "union",
    });
    const models = await modelsFor(recipe, fixtures);
    const plan = planMerge(recipe, models);
    const name = "model.embed_tokens.weight";
    const { shape, numbers } = await mergePlanned(plan, name, models);
    expect(shape).toEqual([26, 16]);
    const read = async (model: string) => {
      const checkpoint = models.get(`models/llama-${model}`)?.checkpoint;
      return decodeNumbers(await (checkpoint as NonNullable<typeof checkpoint>).read(name), "f64");
    };
    expect(numbers.subarray(0, 24 * 16)).toEqual(await read("a"));
    expect(numbers.subarray(24 * 16)).toEqual((await read("chat")).subarray(24 * 16));
    const bytes = await mergedBytes(plan, name, models);
    expect(decodeNumbers({ dtype: "F32", shape, bytes }, "f64")).toEqual(numbers);
  });
});
