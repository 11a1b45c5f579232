import { type Engine, reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, nextTokenLoss, run, tokenIds } from "@resolvent/transformer";
import { expect, test } from "vitest";
import { type Dictionary, evaluateDictionary, evaluateTogether, parseSite } from "../src/index.ts";
import { codeOf, numbers, reluDictionary } from "./make.ts";

const engine: Engine<Tensor> = reference;
const texts = [
  [3, 1, 4, 1, 5, 9],
  [2, 7, 1, 8],
];
const exact = { rtol: 1e-10, atol: 1e-10 };
const FEATURES = 5;

const model = await loadModel(engine, tinyModel("gpt2"), { hash: false });
const { d_model } = model.architecture;

const weightsOf = (layer: number) => ({
  W_enc: numbers(d_model * FEATURES, 10 + layer),
  W_dec: numbers(FEATURES * d_model, 20 + layer),
  b_dec: numbers(d_model, 30 + layer),
});
const transcoder = (layer: number): Dictionary<Tensor> =>
  reluDictionary(engine, d_model, weightsOf(layer), {
    name: `made ${layer}`,
    transcoder: true,
    input: parseSite(`L${layer}.mlp.read`),
    output: parseSite(`L${layer}.mlp.write`),
  });

/** `relu(x W_enc) W_dec + b_dec` of each position, by loops. */
function naive(layer: number, x: Tensor): Tensor {
  const { W_enc, W_dec, b_dec } = weightsOf(layer);
  const rows = x.data.length / d_model;
  const data = new Float64Array(rows * d_model);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < d_model; i++) data[row * d_model + i] = b_dec[i] ?? Number.NaN;
    for (let f = 0; f < FEATURES; f++) {
      let z = 0;
      for (let i = 0; i < d_model; i++)
        z += (x.data[row * d_model + i] ?? Number.NaN) * (W_enc[i * FEATURES + f] ?? Number.NaN);
      if (z <= 0) continue;
      for (let i = 0; i < d_model; i++)
        data[row * d_model + i] =
          (data[row * d_model + i] ?? 0) + z * (W_dec[f * d_model + i] ?? 0);
    }
  }
  return { shape: x.shape, data };
}

/** The mean loss of one run that has naive transcoders in place of both MLPs, or zeros. */
function lossOf(write: (layer: number, read: Tensor) => Tensor): number {
  let [total, count] = [0, 0];
  for (const text of texts) {
    const reads: Tensor[] = [];
    const replace = Object.fromEntries(
      [0, 1].flatMap((layer) => [
        [
          `L${layer}.mlp.read`,
          (read: Tensor): Tensor => {
            reads[layer] = read;
            return read;
          },
        ],
        [`L${layer}.mlp.write`, (): Tensor => write(layer, reads[layer] as Tensor)], // it has been read
      ]),
    );
    const { logits } = run(engine, model, text, { replace });
    total +=
      (nextTokenLoss(engine, logits, tokenIds(text)).data[0] ?? Number.NaN) * (text.length - 1);
    count += text.length - 1;
  }
  return total / count;
}

test("each reads what those before it have left, whatever their order in the list", async () => {
  const both = [transcoder(1), transcoder(0)];
  const got = await evaluateTogether(engine, model, both, [...texts, [5], []]);
  expect(got.sites).toEqual(["L0.mlp.write", "L1.mlp.write"]);
  expect(got.tokens).toBe(8);
  expect(got.loss.spliced).toBeNear(lossOf(naive), exact);
  expect(got.loss.zeroed).toBeNear(
    lossOf((_, read) => ({ shape: read.shape, data: new Float64Array(read.data.length) })),
    exact,
  );
  const { model: own, spliced, zeroed } = got.loss;
  expect(got.recovered).toBeNear((zeroed - spliced) / (zeroed - own), exact);
  expect(Math.abs(spliced - own)).toBeGreaterThan(1e-3);
});

test("a single one is what evaluateDictionary measures", async () => {
  const alone = await evaluateDictionary(engine, model, transcoder(1), texts);
  const got = await evaluateTogether(engine, model, [transcoder(1)], texts);
  for (const name of ["model", "spliced", "zeroed"] as const)
    expect(got.loss[name]).toBeNear(alone.loss[name], exact);
  expect(got.kl).toBeNear(alone.kl, exact);
});

test("two in one place, and texts that predict nothing, are refused", async () => {
  const twice = [transcoder(1), transcoder(1)];
  expect(await codeOf(() => evaluateTogether(engine, model, twice, texts))).toBe(
    "dictionary/same-place",
  );
  expect(await codeOf(() => evaluateTogether(engine, model, [transcoder(1)], [[1]]))).toBe(
    "dictionary/no-tokens",
  );
});
