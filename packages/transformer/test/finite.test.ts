import { createCpu } from "@resolvent/cpu";
import { reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import {
  encodeNumbers,
  type Folder,
  memoryFolder,
  openCheckpoint,
  writeSafetensors,
} from "@resolvent/weights";
import { describe, expect, test } from "vitest";
import {
  firstNotFiniteSite,
  loadModel,
  type Model,
  notFiniteWeights,
  outlineModel,
  run,
  type Warning,
} from "../src/index.ts";
import { withTensors } from "./folders.ts";
import { TOKENS } from "./tiny.ts";

/** The same folder with some entries of a tensor replaced. */
async function spoiled(
  folder: Folder,
  name: string,
  entries: Readonly<Record<number, number>>,
): Promise<Folder> {
  return await withTensors(folder, (tensors) => {
    const stored = tensors.get(name);
    if (stored === undefined) throw new Error(`There is no ${name}.`);
    const numbers = stored.numbers.map((x, i) => entries[i] ?? x);
    return tensors.set(name, { ...stored, numbers });
  });
}

/** The same folder with its tensors in another dtype. */
async function inDtype(folder: Folder, dtype: "F16" | "BF16" | "F64"): Promise<Folder> {
  const checkpoint = await openCheckpoint(folder);
  const tensors = checkpoint.names.map(async (name) => ({
    ...{ name, dtype, shape: checkpoint.info(name).shape },
    bytes: encodeNumbers(await checkpoint.numbers(name, "f64"), dtype),
  }));
  const file = await writeSafetensors(await Promise.all(tensors));
  const changed = memoryFolder(new Map([["model.safetensors", file]]), folder.name);
  return {
    name: folder.name,
    open: async (name) => (name === "model.safetensors" ? changed : folder).open(name),
  };
}

const codes = (warnings: readonly Warning[] = []): string[] => warnings.map(({ code }) => code);

describe("weights that are not finite are named, with the place of the first", () => {
  const name = "transformer.h.1.mlp.c_fc.weight"; // 16 × 64
  const at = 3 * 64 + 5;

  test.each<[what: string, entries: Record<number, number>, says: string]>([
    [
      "one NaN",
      { [at]: Number.NaN },
      "[3, 5] is NaN: 1 of the tensor's 1024 weights is not finite",
    ],
    ["the first", { 0: Number.NaN }, "[0, 0] is NaN: 1 of"],
    ["the last", { 1023: -Infinity }, "[15, 63] is -Infinity: 1 of"],
    [
      "several",
      { [at]: Infinity, 900: Number.NaN },
      "[3, 5] is Infinity: 2 of the tensor's 1024 weights are",
    ],
  ])("%s, in every dtype and way of loading", async (_what, entries, says) => {
    const folder = await spoiled(tinyModel("gpt2"), name, entries);
    for (const dtype of ["F32", "F16", "BF16", "F64"] as const) {
      const stored = dtype === "F32" ? folder : await inDtype(folder, dtype);
      const cpu = await createCpu({ precision: "f32", threads: 1 });
      try {
        for (const options of [{}, { widen: false }]) {
          const { warnings } = await loadModel(cpu, stored, { hash: false, ...options });
          expect(warnings).toEqual([
            { code: "not-finite", message: expect.stringContaining(`${name}${says}`) },
          ]);
        }
        // A model that streams finds them when it gets there, and says it once.
        const streams = await loadModel(cpu, stored, { hash: false, stream: true });
        expect(streams.warnings).toEqual([]);
        run(cpu, streams, TOKENS);
        run(cpu, streams, TOKENS);
        expect(codes(streams.warnings)).toEqual(["not-finite"]);
      } finally {
        await cpu.close();
      }
      expect(await notFiniteWeights(stored)).toEqual([
        { code: "not-finite", message: expect.stringContaining(`${name}${says}`) },
      ]);
      expect((await outlineModel(stored)).warnings).toBeUndefined();
    }
  });

  test.each(tinyFamilies)("%s: in any tensor, and in none", async (family) => {
    const folder = tinyModel(family);
    expect(await notFiniteWeights(folder)).toEqual([]);
    const { names } = await openCheckpoint(folder);
    for (const one of names) {
      const bad = await spoiled(folder, one, { 1: Number.NaN });
      const model = await loadModel(reference, bad, { hash: false });
      expect(model.warnings?.at(-1)?.message).toContain(`${one}[`);
      expect(codes(await notFiniteWeights(bad))).toEqual(["not-finite"]);
    }
  });

  test("of many tensors four are named, and that there are more", async () => {
    let folder: Folder = tinyModel("gpt2");
    const { names } = await openCheckpoint(folder);
    for (const one of names.slice(0, 9)) folder = await spoiled(folder, one, { 0: Number.NaN });
    const { warnings } = await loadModel(reference, folder, { hash: false });
    expect(warnings).toHaveLength(5);
    expect(warnings?.[4]?.message).toMatch(/^More tensors/);
  });

  test("masks that are infinite are no weights", async () => {
    const folder = await withTensors(tinyModel("transformer_lens-ln-gelu"), (tensors) =>
      tensors.set("blocks.0.attn.IGNORE", { shape: [1], numbers: Float32Array.of(-Infinity) }),
    );
    expect((await loadModel(reference, folder)).warnings).toBeUndefined();
    expect(await notFiniteWeights(folder)).toEqual([]);
  });
});

test("the first site that is not finite, where the weights are", async () => {
  const first = async (tensor: string, size: number): Promise<string | undefined> => {
    const folder = await withTensors(tinyModel("gpt2"), (tensors) => {
      const stored = tensors.get(tensor);
      const numbers = stored?.numbers.map((x) => x * size) ?? new Float32Array();
      return stored ? tensors.set(tensor, { ...stored, numbers }) : tensors;
    });
    const cpu = await createCpu({ precision: "f32", threads: 1 });
    try {
      const model = await loadModel(cpu, folder, { hash: false });
      expect(model.warnings).toBeUndefined();
      return await firstNotFiniteSite(cpu, model, TOKENS);
    } finally {
      await cpu.close();
    }
  };
  expect(await first("transformer.h.0.mlp.c_proj.weight", 1)).toBeUndefined();
  expect(await first("transformer.h.0.mlp.c_proj.weight", 3e38)).toBe("L0.mlp.write");
  expect(await first("transformer.h.1.attn.c_proj.weight", 3e38)).toBe("L1.attn.write");
  const whole: Model<Tensor> = await loadModel(reference, tinyModel("llama"));
  expect(await firstNotFiniteSite(reference, whole, TOKENS)).toBeUndefined();
});
