import { reference } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel } from "@resolvent/transformer";
import { expect, test } from "vitest";
import { paths } from "../src/analyses/paths.ts";
import { expandPaths } from "../src/index.ts";

test("paths that were found by a search say so", async () => {
  const model = await loadModel(reference, tinyModel("llama", { seed: 4 }), { hash: false });
  const all = await expandPaths(reference, model, [3, 17, 5, 28]);
  expect([all.search.exhaustive, all.warnings]).toEqual([true, []]);
  const folder = tinyModel("llama", { num_hidden_layers: 12 });
  const deep = await loadModel(reference, folder, { hash: false });
  const some = await expandPaths(reference, deep, [3, 17], { budget: 1, top: 3 });
  expect([some.search.exhaustive, some.warnings.map(({ code }) => code)]).toEqual([
    false,
    ["not-exhaustive"],
  ]);
  const [table] = paths.tables(some);
  expect(table?.title).toBe("Large paths by heads, found by search, all gates frozen");
  expect(table?.notes).toContainEqual(
    expect.stringMatching(/^warning: These paths were found by search and are not shown to be/),
  );
  const place = table?.columns.findIndex(({ name }) => name === "warnings") ?? -1;
  expect(table?.rows.map((row) => row[place])).toEqual(Array(3).fill("not-exhaustive"));
});
