import { describe, expect, test } from "vitest";
import { attnOnlyCard } from "../src/attn-only-card.ts";
import { talesCard } from "../src/card.ts";
import type { Encoder } from "../src/encoder.ts";
import {
  attnOnlyRecipe,
  configOf,
  type Recipe,
  recipeBatches,
  talesRecipe,
  totalSteps,
  totalTokens,
} from "../src/recipe.ts";

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

test("a phase has the repeats that it asks for, before its tales", () => {
  const [first] = recipe.phases;
  const phases = [{ steps: 1, batch: 4, context: 11, rolls: 0.5, repeats: 3 }];
  expect(first?.repeats).toBe(undefined);
  const [batch] = [...recipeBatches({ ...recipe, phases }, encoder)];
  expect(batch?.shape).toEqual({ batch: 4, pos: 12 });
  const row = Array.from(batch?.data.slice(0, 12) ?? []);
  const stretch = row[0] === 0 ? row.slice(1) : row;
  // of the 11 or 12 tokens 4 to 6 are the stretch
  expect([4, 5, 6].some((n) => stretch.every((id, i) => i < n || id === stretch[i - n]))).toBe(
    true,
  );
});

test("a config gets the size of the vocabulary under its family's name", () => {
  const { config } = talesRecipe;
  const ends = { bos_token_id: 0, eos_token_id: 0 };
  expect(configOf(talesRecipe, encoder)).toEqual({ ...config, vocab_size: 2 ** 16, ...ends });
  const other = configOf(attnOnlyRecipe, encoder);
  expect(other).toEqual({ ...attnOnlyRecipe.config, d_vocab: 2 ** 16 });
});

test.each([
  { name: "tales", recipe: talesRecipe, context: "n_positions" },
  { name: "attn-only-2l", recipe: attnOnlyRecipe, context: "n_ctx" },
])("no batch of the recipe of $name is longer than the model's context", (one) => {
  for (const { context } of one.recipe.phases) {
    expect(context + 1).toBeLessThanOrEqual(Number(one.recipe.config[one.context]));
  }
  expect(one.recipe.warmup).toBeLessThan(totalSteps(one.recipe));
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

describe("the card of attn-only-2l", () => {
  const sha256 = "5a".repeat(32);
  const head = { duplicateToken: 0.111, previousToken: 0.222, induction: 0.333 };
  const phases = [
    { steps: 3, batch: 5, context: 6, rolls: 0.5, repeats: 4 },
    { steps: 2, batch: 4, context: 7, rolls: 0.25 },
  ];
  const card = attnOnlyCard(
    { ...attnOnlyRecipe, phases },
    {
      parameters: 1234567,
      sha256,
      heldOutLoss: 1.23456,
      heldOutTokens: 65024,
      scores: [
        { name: "indirectObject", targets: 500, top1: 0.9123, preferred: 0.9876 },
        { name: "repeatedNames", targets: 6000, top1: 0.8444, preferred: undefined },
      ],
      induction: {
        rows: 32,
        length: 50,
        firstLoss: 7.8912,
        secondLoss: 0.4567,
        secondTop1: 0.9321,
        heads: ["L0.H0", "L0.H1", "L1.H0", "L1.H1"].map((name) => ({ head: name, ...head })),
        keys: [
          { without: ["L0.H0"], induction: [0.444, 0.555] },
          { without: ["L0.H0", "L0.H1"], induction: [0.666, 0.777] },
        ],
      },
      minutes: 11.6,
      machine: "2 cores of a processor",
    },
  );

  test.each([
    "4 heads a layer, d_model 128, d_head 32, learned positions, context 128, 1,234,567 parameters",
    "on 32 rows `<|endoftext|> B B`, B being 50 tokens",
    "7.891 nats a token on the first B, 0.457 on the second (from its second token on), of which 93.2 %",
    "| L0.H1 | 0.22 | 0.11 | 0.33 |",
    "| keys without | L1.H0 | L1.H1 |\n|---|---|---|",
    "| L0.H0 | 0.44 | 0.56 |",
    "| L0.H0, L0.H1 | 0.67 | 0.78 |",
    "1.235 nats a token (65,024 tokens",
    "| indirectObject | 98.8 % | 91.2 % |",
    "| repeatedNames | – | 84.4 % |",
    "12 minutes on 2 cores of a processor",
    "3 steps of 5 rows of 6 tokens, 4 of them repeats, then 2 steps of 4 rows of 7 tokens, 0 of them repeats",
    `learning rate ${attnOnlyRecipe.rate}`,
    `seed ${attnOnlyRecipe.seed}`,
    `\`${sha256}\``,
  ])("has the number: %s", (text) => {
    expect(card).toContain(text);
  });

  test("has no place left empty", () => {
    expect(card).not.toMatch(/undefined|NaN|null|\[object/);
  });
});
