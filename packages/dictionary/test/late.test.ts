import { createCpu } from "@resolvent/cpu";
import { type Engine, reference, type Shaped } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { lateEngine } from "@resolvent/testkit/engines";
import { loadModel } from "@resolvent/transformer";
import { memoryFolder } from "@resolvent/weights";
import { expect, test } from "vitest";
import {
  type Activation,
  evaluateDictionary,
  loadDictionary,
  parseSite,
  saveDictionary,
} from "../src/index.ts";
import { numbers, reluDictionary } from "./make.ts";

const texts = [
  [3, 1, 4, 1, 5],
  [9, 2, 6],
];

/** What an evaluation says, on an engine, of a dictionary that was saved and loaded there. */
async function evaluated<T extends Shaped>(
  engine: Engine<T>,
  activation: (engine: Engine<T>) => Activation<T>,
): Promise<readonly number[]> {
  const model = await loadModel(engine, tinyModel("gpt2"), { hash: false });
  const d = model.architecture.d_model;
  const F = 12;
  const place = parseSite("L0.mlp.after");
  const weights = {
    W_enc: numbers(d * F, 1),
    W_dec: numbers(F * d, 2),
    b_enc: numbers(F, 3),
    b_dec: numbers(d, 4),
  };
  const made = reluDictionary(engine, d, weights, {
    activation: activation(engine),
    input: place,
    output: place,
  });
  const files = new Map<string, Uint8Array>();
  await saveDictionary(engine, made, async (file, pieces) => {
    const parts: number[] = [];
    for await (const piece of pieces) parts.push(...piece);
    files.set(file, Uint8Array.from(parts));
  });
  const dictionary = await loadDictionary(engine, memoryFolder(files));
  const got = await evaluateDictionary(engine, model, dictionary, texts, { memory: 1 });
  engine.free([model, made, dictionary]);
  return [got.l0, got.explainedVariance, got.recovered, got.loss.spliced, got.loss.mean, got.kl];
}

test.each([
  ["relu", (): Activation<never> => ({ kind: "relu" })],
  ["topk", (): Activation<never> => ({ kind: "topk", k: 5, rectified: true })],
] as const)("%s on an engine that answers late, and in float32", async (_, activation) => {
  const expected = await evaluated(reference, activation);
  const late = lateEngine();
  expect(await evaluated(late, activation)).toBeNear(expected, { rtol: 1e-12, atol: 1e-12 });
  expect(late.alive()).toBe(0); // all that was made is freed
  const single = await createCpu({ precision: "f32" });
  expect(await evaluated(single, activation)).toBeNear(expected, { rtol: 1e-3, atol: 1e-4 });
});
