import { createCpu, createLinearAlgebra } from "@resolvent/cpu";
import { type Engine, reference, type Shaped } from "@resolvent/tensor";
import { describeWithFixtures, type Fixtures } from "@resolvent/testkit";
import { loadModel } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { expect, test } from "vitest";
import { measureLinearity } from "../src/index.ts";

interface Golden {
  readonly linearity: {
    readonly n_tokens: number;
    readonly sequences: readonly (readonly number[])[];
    readonly blocks: readonly (Scores & { readonly block: string; readonly rank_X: number })[];
    readonly layers: readonly (Scores & { readonly layer: number })[];
  };
  readonly prompts: readonly {
    readonly ids: readonly number[];
    readonly superposition: readonly { readonly block: string; readonly defect: number }[];
  }[];
}

interface Scores {
  readonly with_residual: number;
  readonly without_residual: number;
}

const models = ["stories260k", "nano-sort-gpt2", "neel-induction-2l", "neel-modadd113-1l"];

async function checkScores<T extends Shaped>(
  engine: Engine<T>,
  fixtures: Fixtures,
  name: string,
  rtol = 1e-8,
): Promise<void> {
  const golden = fixtures.golden<Golden>(name).linearity;
  const model = await loadModel(engine, folderOf(fixtures.models(name)), { hash: false });
  const tokens = golden.n_tokens;
  const sample = { sequences: golden.sequences, tokens, found: 0, cut: 0, short: 0 };
  const result = await measureLinearity(engine, model, sample, {
    linearAlgebra: await createLinearAlgebra(),
    split: "none",
    draws: 2,
    lensPasses: 0,
    maxDegree: 1,
  });
  expect(result.tokens).toBe(golden.n_tokens);
  expect(result.blocks.map(({ block }) => block)).toEqual(golden.blocks.map(({ block }) => block));
  expect(result.blocks.map(({ rank }) => rank)).toEqual(golden.blocks.map(({ rank_X }) => rank_X));
  const each = { rtol, of: "each" } as const;
  for (const [got, expected] of [
    [result.blocks, golden.blocks],
    [result.layers, golden.layers],
  ] as const) {
    expect(got.map((row) => row.withResidual)).toBeNear(
      expected.map((row) => row.with_residual),
      each,
    );
    expect(got.map((row) => row.withoutResidual)).toBeNear(
      expected.map((row) => row.without_residual),
      each,
    );
  }
}

async function checkDefects<T extends Shaped>(
  engine: Engine<T>,
  fixtures: Fixtures,
  name: string,
): Promise<void> {
  const model = await loadModel(engine, folderOf(fixtures.models(name)), { hash: false });
  for (const { ids, superposition } of fixtures.golden<Golden>(name).prompts) {
    const sample = { sequences: [ids], tokens: ids.length, found: 1, cut: 0, short: 0 };
    const result = await measureLinearity(engine, model, sample, {
      linearAlgebra: await createLinearAlgebra(),
      split: "none",
      draws: 2,
      lensPasses: 0,
      maxDegree: 1,
    });
    expect(result.blocks.map((block) => block.superpositionDefect)).toBeNear(
      superposition.map(({ defect }) => defect),
      { rtol: 1e-8, atol: 1e-12, of: "each" }, // exactly 0 where a block reads the embedding alone
    );
  }
}

describeWithFixtures("golden", (fixtures) => {
  for (const name of models) {
    test(`linearity scores and ranks of ${name}, cpu in float64`, {
      timeout: 120_000,
    }, async () => {
      const cpu = await createCpu({ precision: "f64" });
      try {
        await checkScores(cpu, fixtures, name);
      } finally {
        await cpu.close();
      }
    });
    test(`the same ranks of ${name} in float32, scores to 1e-5`, { timeout: 120_000 }, async () => {
      const cpu = await createCpu();
      try {
        await checkScores(cpu, fixtures, name, 1e-5);
      } finally {
        await cpu.close();
      }
    });
    test(`superposition defects of ${name}, cpu in float64`, { timeout: 120_000 }, async () => {
      const cpu = await createCpu({ precision: "f64" });
      try {
        await checkDefects(cpu, fixtures, name);
      } finally {
        await cpu.close();
      }
    });
  }
  test("superposition defects on the reference", { timeout: 120_000 }, async () => {
    await checkDefects(reference, fixtures, "neel-modadd113-1l");
  });
});
