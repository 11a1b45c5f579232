import { createCpu } from "@resolvent/cpu";
import { describeWithFixtures } from "@resolvent/testkit";
import { loadModel } from "@resolvent/transformer";
import { folderOf } from "@resolvent/weights/node";
import { expect, test } from "vitest";
import {
  type Dictionary,
  type Evaluation,
  evaluateDictionary,
  loadDictionaries,
  loadDictionary,
} from "../src/index.ts";

interface Metrics {
  readonly n: number;
  readonly l0: number;
  readonly mse: number;
  readonly explained_variance: number;
  readonly explained_variance_centred: number;
  readonly cosine: number;
  readonly l2_ratio: number;
  readonly relative_reconstruction_bias: number;
  readonly never_active: number;
  /** Positions, not their share. */
  readonly density?: readonly number[];
}

interface Losses {
  readonly clean: number;
  readonly spliced: number;
  readonly zero: number;
  readonly mean: number;
  readonly recovered_zero: number;
  readonly recovered_mean: number;
  readonly kl: number;
}

interface Golden {
  readonly sequences: readonly (readonly number[])[];
  readonly sae_metrics: Metrics;
  readonly sae_loss: Losses;
  readonly transcoder_metrics?: readonly (Metrics & { readonly loss: Losses })[];
}

const near = { rtol: 1e-9, atol: 1e-9 };

function expectMetrics(got: Evaluation, metrics: Metrics, losses: Losses): void {
  expect(got.tokens).toBe(metrics.n);
  expect(got.dead).toBe(metrics.never_active);
  if (metrics.density !== undefined) {
    expect(got.density.map((share) => share * got.tokens)).toBeNear(metrics.density, near);
  }
  const { loss } = got;
  expect(
    {
      numbers: [
        ...[got.l0, got.mse, got.explainedVariance, got.explainedVarianceCentred],
        ...[got.cosine, got.l2Ratio, got.relativeReconstructionBias],
        ...[loss.model, loss.spliced, loss.zeroed, loss.mean],
        ...[got.recovered, got.recoveredFromMean, got.kl],
      ],
    }.numbers,
  ).toBeNear(
    [
      ...[metrics.l0, metrics.mse, metrics.explained_variance, metrics.explained_variance_centred],
      ...[metrics.cosine, metrics.l2_ratio, metrics.relative_reconstruction_bias],
      ...[losses.clean, losses.spliced, losses.zero, losses.mean],
      ...[losses.recovered_zero, losses.recovered_mean, losses.kl],
    ],
    near,
  );
}

describeWithFixtures("what an independent program has measured", (fixtures) => {
  test("an SAE of topk on what an MLP writes", async () => {
    const cpu = await createCpu({ precision: "f64" });
    const golden = fixtures.golden<Golden>("dictionary-nano-sort");
    const model = await loadModel(cpu, folderOf(fixtures.models("nano-sort-gpt2")));
    const folder = folderOf(fixtures.path("fixtures/dictionaries/nano-sort/mlp-1"));
    const dictionary = await loadDictionary(cpu, folder);
    const got = await evaluateDictionary(cpu, model, dictionary, golden.sequences);
    expect(got.site).toBe("L1.mlp.write");
    expectMetrics(got, golden.sae_metrics, golden.sae_loss);
  });

  test("a JumpReLU SAE of the stream, and the first and last of a transcoder for each layer", async () => {
    const cpu = await createCpu({ precision: "f64" });
    const golden = fixtures.golden<Golden>("dictionary-stories260k");
    const model = await loadModel(cpu, folderOf(fixtures.models("stories260k")));
    const root = "fixtures/dictionaries/stories260k";
    const sae = await loadDictionary(cpu, folderOf(fixtures.path(`${root}/resid-2`)));
    const got = await evaluateDictionary(cpu, model, sae, golden.sequences);
    expect(got.site).toBe("L2.mlp.after");
    expectMetrics(got, golden.sae_metrics, golden.sae_loss);

    const set = await loadDictionaries(cpu, folderOf(fixtures.path(`${root}/transcoders`)));
    if (set.kind !== "per-layer") throw new Error(`It is ${set.kind}.`);
    expect(set.layers).toHaveLength(golden.transcoder_metrics?.length ?? 0);
    for (const [i, metrics] of (golden.transcoder_metrics ?? []).entries()) {
      if (i > 0 && i < set.layers.length - 1) continue;
      const layer = set.layers[i] as Dictionary<ReturnType<typeof cpu.fill>>;
      const one = await evaluateDictionary(cpu, model, layer, golden.sequences);
      expect(one.site).toBe(`L${i}.mlp.normed → L${i}.mlp.write`);
      expectMetrics(one, metrics, metrics.loss);
    }
  });
});
