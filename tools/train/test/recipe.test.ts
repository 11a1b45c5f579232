import { describe, expect, test } from "vitest";
import { talesCard } from "../src/card.ts";
import type { Encoder } from "../src/encoder.ts";
import { type Recipe, recipeBatches, talesRecipe, totalSteps, totalTokens } from "../src/recipe.ts";

const recipe: Recipe = {
  ...talesRecipe,
  phases: [
    { steps: 3, batch: 2, context: 5, rolls: 0.5 },
    { steps: 2, batch: 4, context: 7, rolls: 0.25 },
  ],
};

/** Each character is a token. */
const encoder: Encoder = {
  encode: (text) => [...text].map((char) => char.codePointAt(0) ?? 0),
  decode: (ids) => String.fromCodePoint(...ids),
  single: () => undefined,
  endOfText: 0,
  vocabSize: 2 ** 16,
};

test("steps and tokens are those of all phases", () => {
  expect(totalSteps(recipe)).toBe(5);
  expect(totalTokens(recipe)).toBe(3 * 2 * 5 + 2 * 4 * 7);
});

test("batches come phase by phase, then end, and are the same each time", () => {
  const batches = [...recipeBatches(recipe, encoder)];
  expect(batches.map((ids) => ids.shape)).toEqual([
    ...Array(3).fill({ batch: 2, pos: 6 }),
    ...Array(2).fill({ batch: 4, pos: 8 }),
  ]);
  expect([...recipeBatches(recipe, encoder)]).toEqual(batches);
  const other = [...recipeBatches({ ...recipe, seed: recipe.seed + 10 }, encoder)];
  expect(other).not.toEqual(batches);
});

test("no batch of the recipe is longer than the model's context", () => {
  for (const { context } of talesRecipe.phases) {
    expect(context + 1).toBeLessThanOrEqual(Number(talesRecipe.config.n_positions));
  }
  expect(talesRecipe.warmup).toBeLessThan(totalSteps(talesRecipe));
});

describe("the card", () => {
  const sha256 = "5a".repeat(32);
  const card = talesCard(recipe, {
    parameters: 1234567,
    sha256,
    heldOutLoss: 1.23456,
    heldOutTokens: 65024,
    scores: [
      { name: "indirectObject", targets: 500, top1: 0.9123, preferred: 0.9876 },
      { name: "repeatedNames", targets: 6000, top1: 0.8444, preferred: undefined },
    ],
    minutes: 41.6,
    machine: "2 cores of a processor",
  });

  test.each([
    "4 layers, d_model 128, 4 heads, context 128, 1,234,567 parameters",
    "| 98.8 % | 91.2 % | 500 |",
    "| – | 84.4 % | 6000 |",
    "1.2346 nats a token (65,024 tokens)",
    "42 minutes on 2 cores of a processor",
    "3 steps of 2 rows of 5 tokens (50 % rolls of names), then 2 steps of 4 rows of 7 tokens (25 % rolls of names)",
    "0.0 million tokens in all",
    `learning rate ${recipe.rate}`,
    `seed ${recipe.seed}`,
    `\`${sha256}\``,
  ])("has the number: %s", (text) => {
    expect(card).toContain(text);
  });

  test("has no place left empty, and a row for each task", () => {
    expect(card).not.toMatch(/undefined|NaN|null|\[object/);
    expect(card.match(/^\| \w+ \|.*\d+ \|$/gm)?.length).toBe(2);
  });
});
