import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Cpu, type CpuTensor, createCpu } from "@resolvent/cpu";
import {
  type Dictionary,
  evaluateDictionary,
  evaluateTogether,
  loadDictionary,
} from "@resolvent/dictionary";
import { bundledModels } from "@resolvent/models";
import { bundledDictionaries } from "@resolvent/models/dictionaries";
import { loadModel, type Model } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { talesDictionariesCard } from "../src/dictionaries/card.ts";
import { makeDictionary, taleTexts } from "../src/dictionaries/making.ts";
import { talesDictionariesRecipe } from "../src/dictionaries/recipe.ts";
import { createEncoder, type Encoder } from "../src/index.ts";

const path = fileURLToPath(bundledModels.tales.url);
const home = new URL("../../../packages/models/tales-dictionaries/", import.meta.url);
const folders = Object.values(bundledDictionaries).flatMap((one) => one.folders);

/** Of float32, whose order of sums is one on every machine. */
const near = { rtol: 1e-6, atol: 1e-6 };

let cpu: Cpu;
let model: Model<CpuTensor>;
let encoder: Encoder;
let dictionaries: Dictionary<CpuTensor>[];
let texts: number[][];
beforeAll(async () => {
  cpu = await createCpu({ precision: "f32", blas: "off", threads: 1 });
  model = await loadModel(cpu, folderOf(path));
  encoder = createEncoder(JSON.parse(await readFile(`${path}/tokenizer.json`, "utf8")));
  dictionaries = [];
  for (const { url } of folders)
    dictionaries.push(await loadDictionary(cpu, folderOf(fileURLToPath(url))));
  const { seed, sampledRows, length } = talesDictionariesRecipe;
  texts = taleTexts(encoder, { seed, rows: sampledRows, length }, "held-out");
});
afterAll(() => cpu.close());

test("the bundled dictionaries are those of the recipe, and keep of the model what their card says", {
  timeout: 60_000,
}, async () => {
  const { recipe, measured } = JSON.parse(await readFile(new URL("card.json", home), "utf8"));
  expect(recipe).toEqual(JSON.parse(JSON.stringify(talesDictionariesRecipe)));
  expect(await readFile(new URL("README.md", home), "utf8")).toBe(
    talesDictionariesCard(recipe, measured),
  );
  for (const [i, dictionary] of dictionaries.entries()) {
    const said = measured.dictionaries[i];
    expect(dictionary.warnings).toEqual([]);
    expect(dictionary.activation.kind).toBe("jumprelu");
    const found = await evaluateDictionary(cpu, model, dictionary, texts);
    expect([found.site, dictionary.architecture, dictionary.features]).toEqual([
      ...[said.site, said.architecture, said.features],
    ]);
    expect(found.tokens).toBe(said.sample.tokens);
    expect(found.l0).toBeNear(said.sample.l0, near);
    expect(found.explainedVariance).toBeNear(said.sample.explainedVariance, near);
    for (const name of ["model", "spliced", "zeroed", "mean"] as const)
      expect(found.loss[name]).toBeNear(said.sample.loss[name], near);
    for (const share of [found.recovered, said.recovered]) expect(share).toBeGreaterThan(0.95);
  }
  const transcoders = dictionaries.filter(({ transcoder }) => transcoder);
  const together = await evaluateTogether(cpu, model, transcoders, texts.slice(0, 2));
  expect(together.sites).toEqual([0, 1, 2, 3].map((layer) => `L${layer}.mlp.write`));
  for (const share of [together.recovered, measured.together.recovered])
    expect(share).toBeGreaterThan(0.95);
});

test("a recipe gives the same bytes each time, and others by another seed", async () => {
  const made = async (seed: number): Promise<Uint8Array | undefined> => {
    const [own] = talesDictionariesRecipe.dictionaries;
    if (own === undefined) throw new Error("The recipe has dictionaries.");
    const settings = { ...own.settings, features: 32, steps: 3, batch: 16, buffer: 64, seed };
    const { files, dictionary } = await makeDictionary(
      cpu,
      model,
      { name: "tiny", settings },
      {
        texts: texts.slice(1, 4),
        heldOut: texts.slice(0, 1),
        sampled: texts.slice(0, 1),
      },
    );
    cpu.free(dictionary);
    return files.get("sae_weights.safetensors");
  };
  const first = await made(1);
  expect(first).toEqual(await made(1));
  expect(first).not.toEqual(await made(2));
});
