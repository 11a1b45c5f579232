import { tinyModel } from "@resolvent/testkit";
import { encodeNumbers, memoryFolder, openCheckpoint, writeSafetensors } from "@resolvent/weights";
import { expect, test } from "vitest";
import {
  type MergeConfig,
  type MergePlan,
  mergedBytes,
  mergePlanned,
  type OpenMergeModel,
  openMergeModel,
  planMerge,
  readMergeConfig,
} from "../src/index.ts";
import { SPARSIFIERS, taskVectors } from "../src/methods/index.ts";

/** A model whose entries are multiples of an eighth, so that many differences are equal. */
async function coarse(seed: number): Promise<OpenMergeModel> {
  const tiny = tinyModel("llama", { seed });
  const checkpoint = await openCheckpoint(tiny);
  const tensors = await Promise.all(
    checkpoint.names.map(async (name) => {
      const numbers = (await checkpoint.numbers(name, "f64")).map((x) => Math.round(8 * x) / 8);
      const { shape } = checkpoint.info(name);
      return { name, dtype: "F32" as const, shape, bytes: encodeNumbers(numbers, "F32") };
    }),
  );
  const config = await tiny.open("config.json");
  return await openMergeModel(
    memoryFolder(
      new Map([
        ["model.safetensors", await writeSafetensors(tensors)],
        ["config.json", (await config?.read(0, await config.size())) ?? new Uint8Array()],
      ]),
    ),
  );
}

const names = ["base", "a", "b"];
const models = new Map(
  await Promise.all(names.map(async (name, i) => [name, await coarse(i)] as const)),
);
const densities: Readonly<Record<string, number>> = { a: 0.3, b: 0.07 };
const config: MergeConfig = {
  merge_method: "ties",
  base_model: "base",
  models: ["a", "b"].map((model) => ({
    model,
    parameters: { weight: model === "a" ? 1 : 0.5, density: densities[model] ?? 1 },
  })),
};

/** All differences of a model from the base, tensor after tensor. */
async function differences(plan: MergePlan, model: string): Promise<number[]> {
  const all: number[] = [];
  for (const tensor of Object.keys(plan.tensors)) {
    const [x, base] = await Promise.all(
      [model, "base"].map((name) => models.get(name)?.checkpoint.numbers(tensor, "f64")),
    );
    for (const [i, value] of (x ?? []).entries()) all.push(value - (base?.[i] ?? Number.NaN));
  }
  return all;
}

test("ties takes the largest entries of whole models, of equal ones the first", async () => {
  const plan = planMerge(readMergeConfig(config), models, { trimming: "model" });
  expect(plan.trimming).toBe("model");
  const kept = new Map<string, Uint8Array>();
  for (const model of ["a", "b"]) {
    const all = await differences(plan, model);
    const order = all
      .map((_, i) => i)
      .sort((i, j) => Math.abs(all[j] ?? 0) - Math.abs(all[i] ?? 0) || i - j);
    const mask = new Uint8Array(all.length);
    for (const i of order.slice(0, Math.floor((densities[model] ?? 1) * all.length))) mask[i] = 1;
    kept.set(model, mask);
  }
  const alone = planMerge(readMergeConfig(config), models);
  const wide = { ...plan, dtype: "F64" };
  let start = 0;
  let tensorwise = 0;
  for (const [name, { parameters }] of Object.entries(plan.tensors)) {
    const [base, ...xs] = await Promise.all(
      names.map(
        async (model) =>
          await (models.get(model) as OpenMergeModel).checkpoint.numbers(name, "f64"),
      ),
    );
    const length = base?.length ?? 0;
    const inputs = ["a", "b"].map((model, i) => ({
      x: xs[i] ?? new Float64Array(),
      weight: model === "a" ? 1 : 0.5,
      density: densities[model] ?? 1,
      mask: kept.get(model)?.subarray(start, start + length),
    }));
    const options = { row: length, normalize: parameters.normalize === true };
    const expected = taskVectors(
      SPARSIFIERS.ties ?? { election: true },
      base ?? new Float64Array(),
      inputs,
      options,
    );
    expect((await mergePlanned(plan, name, models)).numbers, name).toEqual(expected);
    const bytes = await mergedBytes(wide as MergePlan, name, models); // their dtype is one
    expect(new Float64Array(bytes.buffer), name).toEqual(expected);
    const { numbers } = await mergePlanned(alone, name, models);
    if (numbers.some((value, i) => value !== expected[i])) tensorwise++;
    start += length;
  }
  expect(tensorwise).toBeGreaterThan(3); // it is another merge than tensor by tensor
});

test.each<[string, MergeConfig, string]>([
  ["other methods", { ...config, merge_method: "breadcrumbs" }, "trimming"],
  [
    "two densities of a model",
    {
      ...config,
      models: [
        {
          model: "a",
          parameters: { weight: 1, density: [{ filter: "mlp", value: 0.5 }, { value: 0.4 }] },
        },
      ],
    },
    "trimming",
  ],
  [
    "a density that keeps nothing",
    { ...config, models: [{ model: "a", parameters: { weight: 1, density: 1e-9 } }] },
    "trim-empty",
  ],
  [
    "layers of several models",
    {
      merge_method: "ties",
      base_model: "base",
      parameters: { weight: 1, density: 0.5 },
      slices: ["a", "b"].map((model) => ({
        sources: [model, "base"].map((name) => ({ model: name, layer_range: [0, 1] as const })),
      })),
    },
    "trimming",
  ],
])("trimming whole models is refused for %s", (_, given, code) => {
  expect(() => planMerge(readMergeConfig(given), models, { trimming: "model" })).toThrow(
    expect.objectContaining({ code: `merge/${code}` }),
  );
});

test("a density that keeps nothing of a norm is no fault where the whole model is trimmed", () => {
  const few = { ...config, models: [{ model: "a", parameters: { weight: 1, density: 0.01 } }] };
  expect(() => planMerge(readMergeConfig(few), models)).toThrow(
    expect.objectContaining({ code: "merge/trim-empty" }),
  );
  expect(planMerge(readMergeConfig(few), models, { trimming: "model" }).trimming).toBe("model");
});
