import { checkViews } from "@resolvent/analysis";
import { expect, test } from "vitest";
import { linearityTables } from "../src/tables.ts";
import { linearityAnswer, linearityViews } from "../src/views.ts";
import { hostileResult } from "./hostile.ts";

const result = hostileResult();

test("the views name what the tables have, and keep both labels of the residual", () => {
  const views = checkViews(linearityViews(result), linearityTables(result));
  expect(views).toHaveLength(6);
  const notes = views.map(({ note }) => note).join(" ");
  for (const label of Object.values(result.labels)) expect(notes).toContain(label);
  expect(views.map(({ table }) => table)).toEqual([
    ...["block", "block", "block", "block", "block", "degree"],
  ]);
});

test("the answer has the range of the scores", () => {
  const [first, second] = linearityAnswer(result);
  expect(first).toContain("On 100 tokens (f64)");
  expect(first).toContain("explains 0 to 0.958 of the variance");
  expect(first).toContain("and -0.958 to -0.0417 of what the block adds");
  expect(second).toContain("by 0 to 3.29 nats");
});

test("tables carry warnings and say which scores have the residual in them", () => {
  const [blocks, ...others] = linearityTables(result);
  expect(blocks?.notes?.join("\n")).toContain("warning: Something about");
  expect(blocks?.notes?.join("\n")).toContain(result.labels.withResidual);
  for (const { columns } of [blocks, ...others].filter((table) => table !== undefined)) {
    for (const { name, head } of columns.filter(({ name }) => /Residual$/.test(name))) {
      expect(head).toMatch(name === "withResidual" ? /^with residual/ : /^without residual/);
    }
  }
  for (const { columns, rows } of [blocks, ...others].filter((table) => table !== undefined)) {
    for (const row of rows) expect(row).toHaveLength(columns.length);
  }
});

test("tables say the model's own loss, and when the tuned lens was not trained", () => {
  const notes = (changed: Partial<typeof result>): string =>
    linearityTables({ ...result, ...changed })[0]?.notes?.join("\n") ?? "";
  expect(notes({ loss: 0.863 })).toContain("loss, 0.863 for the model, with one block");
  expect(notes({})).toContain("next-token loss with one block replaced");
  expect(notes({})).not.toContain("was not trained");
  const settings = { ...result.settings, lensPasses: 0 };
  expect(notes({ settings })).toContain("the tuned lens was not trained: it is the affine lens");
});

test("no measure is a cosine of logits", () => {
  expect(JSON.stringify(Object.keys(result.blocks[0] ?? {}))).not.toMatch(/cosine/i);
});
