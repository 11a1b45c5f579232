import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cpu, type CpuTensor, createCpu } from "@resolvent/cpu";
import { axesOf, type Engine, type Ids, inOrder, reference, type Tensor } from "@resolvent/tensor";
import { loadModel, nextTokenLoss, run, tokenIds } from "@resolvent/transformer";
import { encodeNumbers } from "@resolvent/weights";
import { folderOf, writeSafetensorsFile } from "@resolvent/weights/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshParameters, type Parameters } from "../src/parameters.ts";
import {
  lossAndGradients,
  modelOf,
  type StepReport,
  type TrainOptions,
  train,
} from "../src/training.ts";
import { countingBatches, tinyConfig } from "./tiny.ts";

const options: TrainOptions = {
  config: tinyConfig,
  steps: 60,
  rate: 2e-2,
  warmup: 5,
  adam: { beta1: 0.9, beta2: 0.98, eps: 1e-8, decay: 0.1, clip: 1 },
};

const rows = [
  [1, 4, 7, 10, 2],
  [9, 1, 0, 0, 5],
];
const ids = tokenIds(rows);

/** Parameters none of which is at a special place: biases that are not 0, scales that are not 1. */
function moved(parameters: Parameters<Tensor>): Map<string, Tensor> {
  let count = 0;
  const off = (x: number): number => x + 0.1 * Math.sin(++count);
  return new Map(
    [...parameters].map(([name, p]) => [name, reference.constant(p.shape, p.data.map(off))]),
  );
}

describe("the loss and its gradients", () => {
  const parameters = moved(freshParameters(reference, tinyConfig, 3));
  const lossAt = (at: Parameters<Tensor>): number => {
    const { logits } = run(reference, modelOf(reference, tinyConfig, at), rows);
    return nextTokenLoss(reference, logits, ids).data[0] ?? Number.NaN;
  };
  const { loss, gradients } = lossAndGradients(reference, tinyConfig, parameters, ids);

  test("the loss is that of the model", () => {
    expect(loss.shape).toEqual({});
    expect(loss).toBeNear([lossAt(parameters)], { rtol: 1e-14 });
  });

  test("there is a gradient for each parameter, of its shape", () => {
    expect([...gradients.keys()]).toEqual([...parameters.keys()]);
    for (const [name, g] of gradients) expect(g.shape).toEqual(parameters.get(name)?.shape);
  });

  test.each([...parameters.keys()])("%s against central differences", (name) => {
    const p = parameters.get(name) as Tensor;
    const step = 1e-5;
    // Every entry of the small ones, some thirty of the others.
    const every = Math.max(1, Math.floor(p.data.length / 30));
    const entries = Array.from(p.data.keys()).filter((i) => i % every === 0);
    const differences = entries.map((i) => {
      const at = (by: number): number => {
        const data = p.data.map((x, j) => (j === i ? x + by : x));
        return lossAt(new Map([...parameters, [name, reference.constant(p.shape, data)]]));
      };
      return (at(step) - at(-step)) / (2 * step);
    });
    // A gradient may lie in memory in another order of axes than its parameter.
    const gradient = inOrder(gradients.get(name) as Tensor, axesOf(p.shape)).data;
    const exact = entries.map((i) => gradient[i] ?? Number.NaN);
    expect(Math.max(...exact.map(Math.abs))).toBeGreaterThan(1e-4);
    // Differences err by step² (1e-10) and by rounding over the step (1e-16 / 1e-5).
    expect(exact).toBeNear(differences, { rtol: 1e-8, atol: 1e-9 });
  });

  test("a parameter that is missing is named", () => {
    const fewer = new Map(parameters);
    fewer.delete("h.1.mlp.c_fc.bias");
    expect(() => lossAndGradients(reference, tinyConfig, fewer, ids)).toThrow(
      expect.objectContaining({
        code: "train/missing-parameter",
        message: expect.stringContaining("h.1.mlp.c_fc.bias"),
      }),
    );
  });
});

describe("training on the cpu", () => {
  const engines: Cpu[] = [];
  const cpu = async (threads = 1): Promise<Cpu> => {
    const engine = await createCpu({ precision: "f32", threads });
    engines.push(engine);
    return engine;
  };
  afterAll(async () => {
    for (const engine of engines) await engine.close();
  });

  const trained = (
    engine: Cpu,
    more: Partial<TrainOptions> = {},
  ): { parameters: Parameters<CpuTensor>; reports: StepReport[] } => {
    const reports: StepReport[] = [];
    const fresh = freshParameters(engine, tinyConfig, 1);
    const onStep = (report: StepReport): void => void reports.push(report);
    const parameters = train(engine, fresh, countingBatches(1), { ...options, onStep, ...more });
    return { parameters, reports };
  };
  const numbersOf = (engine: Cpu, parameters: Parameters<CpuTensor>): object =>
    Object.fromEntries([...parameters].map(([name, p]) => [name, engine.read(p).data]));

  let engine: Cpu;
  let parameters: Parameters<CpuTensor>;
  let reports: StepReport[];
  beforeAll(async () => {
    engine = await cpu();
    ({ parameters, reports } = trained(engine));
  });

  test("60 steps learn to count, from chance to nearly sure", () => {
    expect(reports[0]?.loss).toBeNear(Math.log(11), { rtol: 0.05 });
    expect(reports.at(-1)?.loss).toBeLessThan(0.3);
    const model = modelOf(engine, tinyConfig, parameters);
    const { data } = engine.read(run(engine, model, [2, 5, 8, 0]).logits);
    const last = Array.from(data.slice(-11));
    expect(last.indexOf(Math.max(...last))).toBe(3);
  });

  test("the same steps give the same bits, on one thread or two, in one engine or another", async () => {
    const once = numbersOf(engine, parameters);
    expect(numbersOf(engine, trained(engine).parameters)).toEqual(once);
    const other = await cpu(2);
    const again = trained(other);
    expect(numbersOf(other, again.parameters)).toEqual(once);
    expect(again.reports).toEqual(reports);
  });

  test("the rate rises to its height over the warm-up and falls along a cosine to a tenth", () => {
    expect(reports.map((report) => report.step)).toEqual(
      Array.from({ length: 60 }, (_, i) => i + 1),
    );
    const rates = reports.map((report) => report.rate);
    expect(rates.slice(0, 5)).toBeNear([0.004, 0.008, 0.012, 0.016, 0.02]);
    expect(rates.at(-1)).toBeNear(0.002);
    const half = trained(engine, { steps: 55, warmup: 5, rate: 1e-3 }).reports[29]?.rate;
    expect(half).toBeNear(0.55e-3); // half way between the rate and a tenth of it
    for (let i = 5; i < 60; i++) expect(rates[i]).toBeLessThan(rates[i - 1] ?? 0);
  });

  test("what was given is replaced, and nothing else stays behind", async () => {
    const own = await cpu();
    const fresh = freshParameters(own, tinyConfig, 1);
    const before = own.memory.used;
    const given = fresh.get("wte.weight") as CpuTensor;
    const after = train(own, fresh, countingBatches(1), { ...options, steps: 3 });
    expect(own.memory.used).toBe(before);
    expect(() => own.read(given)).toThrow(expect.objectContaining({ code: "cpu/freed" }));
    own.free(after);
    expect(own.memory.used).toBe(0);
  });

  test("what diverges is said, with the step", () => {
    const wild = { rate: 1e30, warmup: 1, adam: { ...options.adam, clip: 1e30 } };
    let thrown: unknown;
    try {
      trained(engine, wild);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: "train/diverged",
      message: expect.stringMatching(/^Step [2-9]: loss \S+, gradient norm/),
      details: { step: expect.any(Number), rate: expect.any(Number) },
    });
  });

  test("ends where the batches end, and where it is aborted", () => {
    const two = countingBatches(1);
    const few = (function* (): Generator<Ids> {
      for (let i = 0; i < 2; i++) yield two.next().value;
    })();
    const steps: number[] = [];
    const onStep = ({ step }: StepReport): void => void steps.push(step);
    engine.free(train(engine, freshParameters(engine, tinyConfig, 1), few, { ...options, onStep }));
    expect(steps).toEqual([1, 2]);
    const stop = new AbortController();
    const reason = new Error("enough");
    expect(() =>
      trained(engine, {
        signal: stop.signal,
        onStep: ({ step }) => step === 2 && stop.abort(reason),
      }),
    ).toThrow(reason);
  });

  test("a saved checkpoint loads and gives the same logits to the last bit", async () => {
    const folder = await mkdtemp(join(tmpdir(), "resolvent-train-"));
    try {
      await writeFile(join(folder, "config.json"), JSON.stringify(tinyConfig));
      await writeSafetensorsFile(
        join(folder, "model.safetensors"),
        [...parameters].map(([name, p]) => ({
          name: `transformer.${name}`,
          dtype: "F32" as const,
          shape: axesOf(p.shape).map((axis) => p.shape[axis] ?? 0),
          bytes: encodeNumbers(engine.read(p).data, "F32"),
        })),
      );
      const logits = (model: Awaited<ReturnType<typeof loadModel<CpuTensor>>>): Tensor =>
        engine.read(run(engine, model, [1, 4, 7, 10, 2]).logits);
      const loaded = logits(await loadModel(engine, folderOf(folder)));
      expect(loaded).toEqual(logits(modelOf(engine, tinyConfig, parameters)));
      // And the reference agrees, so that it is not the engine that both have in common.
      const exact: Engine<Tensor> = reference;
      const model = await loadModel(exact, folderOf(folder));
      expect(loaded).toBeNear(run(exact, model, [1, 4, 7, 10, 2]).logits, { rtol: 1e-5 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
