import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createCpu } from "@resolvent/cpu";
import { bundledModels } from "@resolvent/models";
import { loadModel, run } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { expect, test } from "vitest";
import { allTasks, createEncoder, scoreTask } from "../src/index.ts";

test("the bundled tales does what it is bundled for", { timeout: 30_000 }, async () => {
  const path = fileURLToPath(bundledModels.tales?.url ?? "");
  const cpu = await createCpu({ precision: "f32", threads: 1 });
  const model = await loadModel(cpu, folderOf(path));
  const encoder = createEncoder(JSON.parse(await readFile(`${path}/tokenizer.json`, "utf8")));
  // Another seed than the card's: other names, places and gifts.
  const scores = allTasks({ encoder, seed: 99, count: 100 }).map((task) =>
    scoreTask(task, (ids) => cpu.scope(() => cpu.read(run(cpu, model, ids).logits).data)),
  );
  const score = (name: string) => scores.find((s) => s.name === name);
  expect(score("indirectObject")?.preferred).toBeGreaterThanOrEqual(0.95);
  expect(score("repeatedNames")?.top1).toBeGreaterThanOrEqual(0.9);
  expect(score("agreement")?.preferred).toBeGreaterThanOrEqual(0.95);
  expect(score("quotes")?.preferred).toBeGreaterThanOrEqual(0.95);
  await cpu.close();
});
