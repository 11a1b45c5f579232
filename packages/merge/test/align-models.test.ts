import { reference } from "@resolvent/tensor";
import { describeWithFixtures, type Fixtures } from "@resolvent/testkit";
import { loadModel } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { expect, test } from "vitest";
import { alignModels, logitDifference, memoryModel, type Permutation } from "../src/align/index.ts";
import { type OpenMergeModel, openMergeModel } from "../src/index.ts";

interface Case {
  readonly permuted: string;
  readonly to_recover: Permutation;
  readonly objective: readonly [number, number];
  readonly sequences: readonly (readonly number[])[];
}

async function open(fixtures: Fixtures, name: string): Promise<OpenMergeModel> {
  return await openMergeModel(folderOf(fixtures.path(`fixtures/merging/${name}`)));
}

describeWithFixtures("alignModels", (fixtures) => {
  const [golden] = fixtures.golden<{ readonly cases: readonly Case[] }>("merge-permutation")
    .cases as [Case, ...Case[]]; // the golden has two

  test("a permuted copy: nothing is left between the models, and B computes what it did", async () => {
    const a = await open(fixtures, "trained/llama-b");
    const b = await open(fixtures, golden.permuted);
    const byWeights = await alignModels(a, b);
    const activations = { engine: reference, texts: golden.sequences };
    const byActivations = await alignModels(a, b, { activations });
    for (const { permutation, stages } of [byWeights, byActivations]) {
      expect(permutation).toEqual(golden.to_recover);
      const [stage] = stages;
      const ends = [stage?.objective[0] ?? 0, stage?.objective.at(-1) ?? 0];
      expect(ends).toBeNear(golden.objective, { rtol: 1e-10, atol: 0 });
      const [start] = golden.objective;
      const apart = Math.sqrt((2 * (golden.objective[1] - start)) / golden.objective[1]); // ‖A‖ = ‖B‖
      expect(stage?.distance).toBeNear([apart, 0], { rtol: 1e-10, atol: 0 });
    }
    const aligned = await memoryModel("aligned", byWeights);
    const [before, after] = [
      await loadModel(reference, b.folder),
      await loadModel(reference, aligned.folder),
    ];
    const { largest, scale } = await logitDifference(reference, before, after, golden.sequences);
    expect(largest).toBeLessThan(2e-13);
    expect(scale).toBeGreaterThan(1);
    const other = await loadModel(reference, a.folder);
    expect((await logitDifference(reference, other, after, golden.sequences)).largest).toBe(0);
    await expect(logitDifference(reference, before, after, [[]])).rejects.toMatchObject({
      code: "merge/align-tokens",
    });
  });
});
