import { reference } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { encodeNumbers, memoryFolder, openCheckpoint, writeSafetensors } from "@resolvent/weights";
import { expect, test } from "vitest";
import { loadModel, outlineModel } from "../src/index.ts";

const folder = tinyModel("llama");
const NAME = "model.layers.1.mlp.down_proj.weight";

/** The folder with one tensor of small whole numbers in a dtype. */
async function stored(
  dtype: "F32" | "F16" | "BF16" | "I8" | "U8" | "I16" | "I32" | "I64" | "BOOL",
) {
  const checkpoint = await openCheckpoint(folder);
  const tensors = await Promise.all(
    checkpoint.names.map(async (name) => {
      const { shape } = checkpoint.info(name);
      const numbers = await checkpoint.numbers(name, "f64");
      const own = name === NAME ? numbers.map((_, i) => i % 2) : numbers;
      const as = name === NAME ? dtype : "F32";
      return { name, dtype: as, shape, bytes: encodeNumbers(own, as) };
    }),
  );
  const config = await folder.open("config.json");
  const bytes = (await config?.read(0, await config.size())) ?? new Uint8Array();
  return memoryFolder(
    new Map([
      ["config.json", bytes],
      ["model.safetensors", await writeSafetensors(tensors)],
    ]),
  );
}

test.each(["F32", "F16", "BF16"] as const)("%s is a weight", async (dtype) => {
  expect((await loadModel(reference, await stored(dtype))).architecture.layers).toBe(2);
});

test.each(["I8", "U8", "I16", "I32", "I64", "BOOL"] as const)(
  "%s is refused by name",
  async (dtype) => {
    const refused = {
      code: "weights/unsupported-dtype",
      message: expect.stringMatching(`${NAME} is stored as ${dtype}: .* scales of quantized ones`),
    };
    await expect(loadModel(reference, await stored(dtype))).rejects.toMatchObject(refused);
    await expect(outlineModel(await stored(dtype))).rejects.toMatchObject(refused);
  },
);
