import { type Cpu, createCpu } from "@resolvent/cpu";
import { reference } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import {
  encodeNumbers,
  type Folder,
  memoryFolder,
  openCheckpoint,
  writeSafetensors,
} from "@resolvent/weights";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadModel, outlineModel, run, runCost, weightPlans } from "../src/index.ts";

const TOKENS = [3, 1, 4, 1, 5, 9];

/** A tiny model whose weights are stored in 16 bits. */
async function halved(
  family: string,
  dtype: "F16" | "BF16",
  options: Record<string, unknown> = {},
): Promise<Folder> {
  const folder = tinyModel(family, { seed: 1, ...options });
  const checkpoint = await openCheckpoint(folder);
  const tensors = await Promise.all(
    checkpoint.names.map(async (name) => ({
      name,
      dtype,
      shape: checkpoint.info(name).shape,
      bytes: encodeNumbers(await checkpoint.numbers(name, "f32"), dtype, name),
    })),
  );
  const config = await folder.open("config.json");
  return memoryFolder(
    new Map([
      ["config.json", (await config?.read(0, await config.size())) ?? new Uint8Array()],
      ["model.safetensors", await writeSafetensors(tensors)],
    ]),
  );
}

describe.each(["f32", "f64"] as const)("weights of 16 bits in %s", (precision) => {
  let cpu: Cpu;
  beforeAll(async () => {
    cpu = await createCpu({ precision, threads: 2 });
  });
  afterAll(async () => await cpu.close());

  const logits = async (folder: Folder, options: { widen: boolean; stream?: boolean }) => {
    const model = await loadModel(cpu, folder, { hash: false, ...options });
    const result = run(cpu, model, TOKENS, { sites: ["*"] });
    const all = [...result.trace].map(([site, value]) => [site, cpu.read(value)]);
    const read = [cpu.read(result.logits), all];
    cpu.free([result, model.embed, model.final]);
    if (!options.stream) cpu.free([...model.stages]);
    return read;
  };

  test.each(
    tinyFamilies.flatMap((family) =>
      (["F16", "BF16"] as const).map((dtype) => [family, dtype] as const),
    ),
  )(
    "%s in %s: the same bits at every site, kept or widened, in memory or streamed",
    async (family, dtype) => {
      const folder = await halved(family, dtype);
      const widened = await logits(folder, { widen: true });
      expect(await logits(folder, { widen: false })).toEqual(widened);
      expect(await logits(folder, { widen: false, stream: true })).toEqual(widened);
    },
  );
});

// Large enough that what kernels need beside tensors does not count.
const size = { hidden_size: 256, intermediate_size: 1024, num_hidden_layers: 3, vocab_size: 4096 };

/** Such models by their dtype: to draw one takes longer than all that is asked of it. */
const large = { F16: halved("llama", "F16", size), BF16: halved("llama", "BF16", size) };

test.each(["F16", "BF16"] as const)(
  "%s: estimates hold, and it is half of the room",
  async (dtype) => {
    const folder = await large[dtype];
    const outline = await outlineModel(folder);
    const peaks: number[] = [];
    for (const plan of weightPlans(outline.sizes, "f32")) {
      const cpu = await createCpu({ threads: 1, blas: "off" });
      const model = await loadModel(cpu, folder, { hash: false, ...plan });
      cpu.free(run(cpu, model, TOKENS));
      const { peak } = cpu.memory;
      const bound = plan.bytes + runCost(outline, TOKENS).peakBytes;
      expect(peak).toBeLessThan(bound + 4 * 2 ** 20); // packed blocks of one product
      expect(peak).toBeGreaterThan(0.6 * plan.bytes);
      peaks.push(plan.bytes);
      await cpu.close();
    }
    const [inFull = 0, kept = 0] = peaks;
    expect(peaks).toHaveLength(4);
    expect(kept).toBeLessThan(0.6 * inFull + 4 * 4096 * 256);
  },
);

test("where nobody says, weights are widened if they then leave room", async () => {
  const folder = await large.BF16;
  const [inFull, kept] = weightPlans((await outlineModel(folder)).sizes, "f32");
  for (const [limit, half] of [
    [4 * (inFull?.bytes ?? 0), undefined],
    [Math.ceil(1.2 * (kept?.bytes ?? 0)), "bf16"],
  ] as const) {
    const cpu = await createCpu({ limit, threads: 1 });
    const model = await loadModel(cpu, folder, { hash: false });
    expect(model.embed.W_E.half).toBe(half);
    await cpu.close();
  }
});

test("weights that are not of 16 bits, and engines that cannot keep them, are as they were", async () => {
  const full = await outlineModel(tinyModel("gpt2"));
  expect(weightPlans(full.sizes, "f32").map(({ widen }) => widen)).toEqual([true, true]);
  const folder = await halved("gpt2", "F16");
  const model = await loadModel(reference, folder, { widen: false });
  expect(model.embed.W_E.data).toBeInstanceOf(Float64Array);
  expect(run(reference, model, TOKENS).logits).toEqual(
    run(reference, await loadModel(reference, folder), TOKENS).logits,
  );
});
