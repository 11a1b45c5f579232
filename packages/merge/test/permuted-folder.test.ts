import { reference } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, run } from "@resolvent/transformer";
import { expect, test } from "vitest";
import { matchWeights, permutedFolder, permutedTensors } from "../src/align/index.ts";
import { openMergeModel } from "../src/index.ts";

// Heads of their own, and three to a key-value head.
test.each([["gpt2"], ["gemma3"]])(
  "%s in a random order computes the same, and is brought back",
  async (family) => {
    const folder = tinyModel(family);
    const copy = permutedFolder(folder, { seed: 5 });
    expect(copy.name).toBe(`${family}-permuted`);
    const logits = async (from: typeof folder) => {
      const model = await loadModel(reference, from);
      return reference.read(run(reference, model, [1, 2, 3, 4]).logits).data;
    };
    expect(await logits(copy)).toBeNear(await logits(folder), { rtol: 1e-12, atol: 1e-12 });

    const [a, b] = [await openMergeModel(folder), await openMergeModel(copy)];
    const { permutation } = await matchWeights(a, b);
    let moved = 0;
    for (const { name, bytes } of permutedTensors(b, permutation)) {
      const { bytes: old } = await a.checkpoint.read(name);
      const { bytes: now } = await b.checkpoint.read(name);
      if (!same(now, old)) moved++;
      expect(typeof bytes === "function" && (await bytes())).toEqual(old);
    }
    expect(moved).toBeGreaterThan(a.checkpoint.names.length / 2);
  },
);

test("the seed decides the order, and the weights are made once", async () => {
  const of = async (seed: number) => {
    const folder = permutedFolder(tinyModel("gpt2"), { seed, name: "copy" });
    const [one, again] = [
      await folder.open("model.safetensors"),
      await folder.open("model.safetensors"),
    ];
    expect(one).toBe(again);
    expect(one?.name).toBe("copy/model.safetensors");
    return await one?.read(0, await one.size());
  };
  expect(await of(1)).toEqual(await of(1));
  expect(await of(2)).not.toEqual(await of(1));
});

test("a signal that ends it leaves nothing behind", async () => {
  const folder = permutedFolder(tinyModel("gpt2"), { seed: 1 });
  const stopped = folder.open("model.safetensors", { signal: AbortSignal.abort(new Error("no")) });
  await expect(stopped).rejects.toThrow("no");
  expect(await folder.open("model.safetensors")).toBeDefined();
});

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}
