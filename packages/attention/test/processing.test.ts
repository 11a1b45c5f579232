import { createCpu } from "@resolvent/cpu";
import { reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { blocksOf, loadModel, type Model, run } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import { type ProcessingOptions, processingRecord, processWeights, RAW } from "../src/index.ts";

const tokens = [3, 17, 5, 5, 28, 0];
const near = { rtol: 1e-11 };

const logitsOf = (model: Model<Tensor>): Tensor => run(reference, model, tokens).logits;

describe.each(tinyFamilies)("%s", (family) => {
  const load = (): Promise<Model<Tensor>> =>
    loadModel(reference, tinyModel(family), { hash: false });

  test.each<ProcessingOptions>([{}, RAW, { foldNorms: false }, { centreWrites: false }])(
    "logits stay the same: %j",
    async (options) => {
      const model = await load();
      const { model: processed } = processWeights(reference, model, options);
      expect(logitsOf(processed)).toBeNear(logitsOf(model), near);
    },
  );

  test("with the vocabulary centred, predictions stay the same", async () => {
    const model = await load();
    const { cap } = model.final;
    if (cap !== undefined) {
      const centring = (): unknown => processWeights(reference, model, { centreVocabulary: true });
      expect(centring).toThrow(expect.objectContaining({ code: "attention/capped-logits" }));
      return;
    }
    const { model: processed } = processWeights(reference, model, { centreVocabulary: true });
    const centred = logitsOf(processed);
    expect(centred).toBeNear(reference.center(logitsOf(model), "vocab"), near);
    expect(reference.sum(centred, ["vocab"])).toBeNear([0, 0, 0, 0, 0, 0], { atol: 1e-10 });
  });

  test("what is recorded is what is done", async () => {
    const model = await load();
    const { model: processed, weightProcessing } = processWeights(reference, model);
    const { norm } = model.architecture;
    expect(weightProcessing).toEqual({
      foldNorms: norm !== "none",
      centreReads: norm === "layer",
      centreWrites: norm === "layer",
      centreVocabulary: false,
    });
    for (const block of blocksOf(processed)) {
      expect(block.norm?.scale).toBeUndefined();
      expect(block.norm?.bias).toBeUndefined();
      const written = block.kind === "attn" ? block.W_O : block.W_out;
      const read = block.kind === "attn" ? block.W_K : block.W_in;
      for (const [W, centred] of [
        [written, weightProcessing.centreWrites],
        [read, weightProcessing.centreReads],
      ] as const) {
        const means = reference.sum(W, ["d_model"]);
        const largest = Math.max(...means.data.map(Math.abs));
        if (centred) expect(largest).toBeLessThan(1e-13);
        else expect(largest).toBeGreaterThan(1e-3);
      }
    }
    expect(processed.final.norm?.scale).toBeUndefined();
    expect(processingRecord(weightProcessing)).toEqual(norm === "none" ? "none" : weightProcessing);
  });

  test("twice is once", async () => {
    const model = await load();
    const once = processWeights(reference, model).model;
    const twice = processWeights(reference, once).model;
    blocksOf(twice).forEach((block, i) => {
      const before = blocksOf(once)[i];
      if (block.kind === "attn" && before?.kind === "attn") {
        expect(block.W_V).toBeNear(before.W_V, near);
        expect(block.W_O).toBeNear(before.W_O, near);
      }
    });
    expect(twice.final.W_U).toBeNear(once.final.W_U, near);
  });
});

test("with a mean that is not zero, LayerNorm's bias reaches the unembedding", async () => {
  const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const { norm, W_U, b_U } = processWeights(reference, model).model.final;
  expect(norm).toEqual({ kind: "layer", eps: 1e-5 });
  expect(b_U).toBeNear(
    reference.matmul(model.final.norm?.bias ?? W_U, model.final.W_U, ["d_model"]),
    near,
  );
  expect(model.architecture.tied).toBe(true);
  expect(processWeights(reference, model).model.architecture.tied).toBe(false);
  expect(processWeights(reference, model, RAW).model.architecture.tied).toBe(true);
});

test("an engine frees in a scope what processing made", async () => {
  const engine = await createCpu({ precision: "f64", threads: 1 });
  const model = await loadModel(engine, tinyModel("llama-biased"), { hash: false });
  run(engine, model, tokens);
  engine.scope(() => void run(engine, model, tokens));
  const before = engine.memory.used;
  engine.scope(() => void run(engine, processWeights(engine, model).model, tokens));
  expect(engine.memory.used).toBe(before);
  await engine.close();
});
