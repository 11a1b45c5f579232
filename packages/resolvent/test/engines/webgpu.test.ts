import { expandByDegree, GATES } from "@resolvent/expansion";
import { using } from "@resolvent/tensor";
import { describeWithDevice } from "@resolvent/testkit/engines";
import { tinyModel } from "@resolvent/testkit/tiny";
import { loadModel, run } from "@resolvent/transformer";
import { createWebgpu } from "@resolvent/webgpu";
import { type Folder, memoryFolder } from "@resolvent/weights";
import { expect, test } from "vitest";

const tokens = [3, 17];

/** A thousand take over a minute on a software adapter: by `RESOLVENT_EXPANSIONS=1000`. */
const EXPANSIONS = Number(process.env.RESOLVENT_EXPANSIONS ?? 100);

/** A small model of eight layers whose files can be read at once. */
async function eightLayers(): Promise<Folder> {
  const tiny = tinyModel("gpt2", { seed: 5, n_layer: 8 });
  const files = new Map<string, Uint8Array>();
  for (const name of ["config.json", "model.safetensors"]) {
    const source = await tiny.open(name);
    if (source !== undefined) files.set(name, await source.read(0, await source.size()));
  }
  return memoryFolder(files);
}

await describeWithDevice("models on WebGPU", createWebgpu, (engine) => {
  test("layers are read when they are reached, within a bound that the model is above", async () => {
    const gpu = await engine();
    const folder = await eightLayers();
    const logits = async (on: typeof gpu, stream: boolean): Promise<number[]> => {
      const model = await loadModel(on, folder, { hash: false, stream });
      const read = await using(
        on,
        () => run(on, model, tokens).logits,
        async (made) => await on.read(made),
      );
      on.free(model);
      return Array.from(read.data);
    };
    const before = gpu.memory.used;
    const whole = await logits(gpu, false);
    const limit = Math.floor((gpu.memory.most - before) / 2);
    const small = await createWebgpu({ limit });
    await expect(logits(small, false)).rejects.toMatchObject({ code: "webgpu/out-of-memory" });
    const streamed = await createWebgpu({ limit });
    expect(await logits(streamed, true)).toEqual(whole);
    expect(streamed.memory.most).toBeLessThanOrEqual(limit);
    await Promise.all([small.close(), streamed.close()]);
  });

  // One after another: how many buffers expansions that run at once need depends on when the device is done with each.
  test(`${EXPANSIONS} expansions return to the same memory and number of buffers`, async () => {
    const gpu = await engine();
    const model = await loadModel(gpu, tinyModel("gpt2", { seed: 5, n_layer: 1 }), { hash: false });
    const expand = () => expandByDegree(gpu, model, tokens, { freeze: GATES });
    for (let i = 0; i < 5; i++) await expand();
    const { memory, counts } = gpu;
    for (let i = 0; i < EXPANSIONS; i++) await expand();
    expect(gpu.memory.used).toBe(memory.used);
    expect(gpu.counts.buffers).toBe(counts.buffers);
    expect(gpu.counts.pipelines).toBe(counts.pipelines);
    gpu.free(model);
  });
});
