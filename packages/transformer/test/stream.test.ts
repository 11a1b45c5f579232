import { createCpu } from "@resolvent/cpu";
import { reference } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { serveFiles } from "@resolvent/testkit/file-server";
import { blobSource, type Folder, memoryFolder, urlFolder } from "@resolvent/weights";
import { readOnThread } from "@resolvent/weights/node";
import { describe, expect, test } from "vitest";
import { loadModel, run } from "../src/index.ts";

const TOKENS = [3, 1, 4, 1, 5, 9];

/** A tiny model's files in memory, where they can be read at once. */
async function inMemory(folder: Folder): Promise<Folder> {
  return memoryFolder(await filesOf(folder));
}

async function filesOf(folder: Folder): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const name of ["config.json", "model.safetensors"]) {
    const source = await folder.open(name);
    if (source) files.set(name, await source.read(0, await source.size()));
  }
  return files;
}

describe("a model that streams", () => {
  test.each(tinyFamilies)("%s gives the same bits as one in memory", async (family) => {
    const folder = await inMemory(tinyModel(family, { seed: 1 }));
    const whole = await loadModel(reference, folder);
    const stream = await loadModel(reference, folder, { stream: true });
    expect(stream.stages.length).toBe(whole.stages.length);
    expect(run(reference, stream, TOKENS).logits).toEqual(run(reference, whole, TOKENS).logits);
  });

  test("gives the same bits from Blobs and from a server, read by a thread while the engine waits", async () => {
    const files = await filesOf(tinyModel("llama", { seed: 1 }));
    const blobs = [...files].map(([name, bytes]) => {
      return [name, blobSource(new Blob([new Uint8Array(bytes)]))] as const;
    });
    const server = await serveFiles(files);
    const cpu = await createCpu({ threads: 1 });
    const whole = await loadModel(cpu, memoryFolder(files));
    const expected = cpu.read(run(cpu, whole, TOKENS).logits);
    for (const folder of [memoryFolder(new Map(blobs)), urlFolder(server.address)]) {
      const onThread = await readOnThread(folder);
      const stream = await loadModel(cpu, onThread, { stream: true });
      expect(stream.sha256).toBe(whole.sha256);
      await server.turn();
      for (const _ of [1, 2]) {
        expect(cpu.read(run(cpu, stream, TOKENS).logits)).toEqual(expected);
        const asked = await server.turn();
        expect(new Set(asked).size).toBe(asked.length);
      }
      await onThread.close();
      expect(() => run(cpu, stream, TOKENS)).toThrow(
        expect.objectContaining({ code: "weights/closed" }),
      );
    }
    await Promise.all([cpu.close(), server.close()]);
  });

  test("keeps one layer in memory at a time, and frees it after a run that throws", async () => {
    const cpu = await createCpu({ precision: "f64", threads: 1 });
    const folder = await inMemory(tinyModel("llama", { seed: 1 }));
    const whole = await loadModel(cpu, folder, { hash: false });
    const resident = cpu.memory.used;
    cpu.free([...whole.stages, whole.embed, whole.final]);
    const stream = await loadModel(cpu, folder, { hash: false, stream: true });
    const ends = cpu.memory.used;
    expect(ends).toBeLessThan(resident / 2);
    for (const stage of stream.stages) {
      expect(cpu.memory.used).toBeGreaterThan(ends);
      expect(stage.length).toBe(1);
    }
    expect(cpu.memory.used).toBe(ends);
    const fail = (): never => {
      throw new Error("stop");
    };
    cpu.free(run(cpu, stream, TOKENS)); // rotation tables are made once and kept
    const warm = cpu.memory.used;
    expect(() => run(cpu, stream, TOKENS, { replace: { "L1.attn.write": fail } })).toThrow("stop");
    expect(cpu.memory.used).toBe(warm);
    await cpu.close();
  });

  test("is checked when it is opened, though its layers are read later", async () => {
    const folder = await inMemory(tinyModel("gpt2", { seed: 1, n_layer: 1 }));
    await expect(loadModel(reference, folder, { stream: true })).resolves.toBeDefined();
    const config = await folder.open("config.json");
    const json = JSON.parse(
      new TextDecoder().decode(await config?.read(0, (await config?.size()) ?? 0)),
    );
    const weights = await folder.open("model.safetensors");
    const files = new Map([
      ["config.json", new TextEncoder().encode(JSON.stringify({ ...json, n_layer: 2 }))],
      ["model.safetensors", (await weights?.read(0, await weights.size())) ?? new Uint8Array()],
    ]);
    await expect(loadModel(reference, memoryFolder(files), { stream: true })).rejects.toMatchObject(
      {
        code: "transformer/missing-tensor",
      },
    );
  });

  test("needs files that can be read at once", async () => {
    const model = await loadModel(reference, tinyModel("gpt2", { seed: 1 }), { stream: true });
    expect(() => run(reference, model, TOKENS)).toThrow(
      expect.objectContaining({ code: "weights/not-at-once" }),
    );
  });
});
