import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createCpu } from "@resolvent/cpu";
import { bundledModels } from "@resolvent/models";
import { bundledVariants } from "@resolvent/models/variants";
import { loadModel } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { unpackedFolder } from "@resolvent/weights/packed";
import { expect, test } from "vitest";
import { createEncoder } from "../src/encoder.ts";
import { sampleOf } from "../src/variants/all.ts";
import { talesVariantsCard } from "../src/variants/card.ts";
import { makeFineTune } from "../src/variants/making.ts";
import { measureModel, trialOf } from "../src/variants/measuring.ts";
import { talesVariantsRecipe as recipe } from "../src/variants/recipe.ts";

const home = new URL("../../../packages/models/tales-variants/", import.meta.url);
const path = fileURLToPath(bundledModels.tales.url);
const tales = folderOf(path);
const encoder = createEncoder(JSON.parse(await readFile(`${path}/tokenizer.json`, "utf8")));

/** Of float32, whose order of sums is one on every machine where no BLAS takes part. */
const near = { rtol: 1e-4, atol: 1e-4 };

test("the bundled variants are those of the recipe, and do what their card says", {
  timeout: 60_000,
}, async () => {
  const card = JSON.parse(await readFile(new URL("card.json", home), "utf8"));
  expect(card.recipe).toEqual(JSON.parse(JSON.stringify(recipe)));
  const { measured } = card;
  expect(await readFile(new URL("README.md", home), "utf8")).toBe(
    talesVariantsCard(recipe, measured),
  );
  const cpu = await createCpu({ precision: "f32", blas: "off", threads: 1 });
  const trial = sampleOf(trialOf(encoder, recipe), recipe);
  for (const variant of Object.values(bundledVariants)) {
    if (variant.kind !== "packed") continue;
    const folder = unpackedFolder(folderOf(fileURLToPath(variant.url)), { base: tales });
    const { loss } = measureModel(cpu, await loadModel(cpu, folder), trial);
    const said = measured.models.find(({ name }: { name: string }) => name === variant.name);
    for (const [corpus, nats] of Object.entries(loss))
      expect(nats).toBeNear(said.sample[corpus], near);
  }
  await cpu.close();
});

test("a recipe gives the same bytes each time, and others by another seed", async () => {
  const cpu = await createCpu({ precision: "f32", blas: "off", threads: 1 });
  const each = { ...recipe.each, batch: 2, context: 15 };
  const made = (seed: number) =>
    makeFineTune(cpu, tales, encoder, { name: "rows", seed, steps: 1 }, { each });
  const first = await made(1);
  expect(await made(1)).toEqual(first);
  expect(await made(2)).not.toEqual(first);
  await cpu.close();
});
