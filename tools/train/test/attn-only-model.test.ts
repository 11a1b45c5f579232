import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createCpu } from "@resolvent/cpu";
import { bundledModels } from "@resolvent/models";
import { loadModel } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { expect, test } from "vitest";
import { type AttnOnlyMeasured, attnOnlyCard } from "../src/attn-only-card.ts";
import { createEncoder, type Induction, measureInduction, repeatedTokens } from "../src/index.ts";
import { attnOnlyRecipe } from "../src/recipe.ts";

const path = fileURLToPath(bundledModels["attn-only-2l"]?.url ?? "");
const json = async (file: string) => JSON.parse(await readFile(`${path}/${file}`, "utf8"));

test("the card of attn-only-2l is of this recipe, and its figures of this file", async () => {
  // What was written by the run that made it.
  const card = (await json("card.json")) as { recipe: unknown; measured: AttnOnlyMeasured };
  expect(card.recipe).toEqual(attnOnlyRecipe);
  const text = await readFile(`${path}/README.md`, "utf8");
  expect(text).toBe(attnOnlyCard(attnOnlyRecipe, card.measured));

  const cpu = await createCpu({ precision: "f32", threads: 1, blas: "off" });
  const model = await loadModel(cpu, folderOf(path));
  expect(model.sha256).toBe(card.measured.sha256);
  const encoder = createEncoder(await json("tokenizer.json"));
  const measure = (seed: number, count: number): Induction =>
    measureInduction(cpu, model, repeatedTokens({ encoder, seed, count, length: 50 }));
  const { induction } = card.measured;
  const numbersOf = ({ firstLoss, secondLoss, secondTop1, heads, keys }: Induction): number[] => [
    ...[firstLoss, secondLoss, secondTop1],
    ...heads.flatMap((head) => [head.previousToken, head.duplicateToken, head.induction]),
    ...keys.flatMap((key) => key.induction),
  ];
  // Other machines add in another order.
  expect(numbersOf(measure(7, 32))).toBeNear(numbersOf(induction), { atol: 1e-3 });
  // And they hold for other tokens.
  const other = measure(99, 8);
  expect(other.secondLoss).toBeLessThan(other.firstLoss / 5);
  await cpu.close();
}, 120_000);
