import type { Tensor } from "@resolvent/tensor";
import { expect, test } from "vitest";

test("in a worker, a model that streams from Blobs gives the same bits as one in memory", async () => {
  const worker = new Worker(new URL("./stream-worker.ts", import.meta.url), { type: "module" });
  const answer = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(message);
  });
  const files = ["config.json", "model.safetensors"].map(async (name) => {
    return [name, await (await fetch(`/packages/models/tales/${name}`)).blob()];
  });
  worker.postMessage(await Promise.all(files));
  const [whole, streamed] = (await answer) as [Tensor, Tensor]; // else one letter each, of what went wrong
  expect(whole.data?.length, String(await answer)).toBeGreaterThan(1000);
  expect(streamed).toEqual(whole);
  worker.terminate();
});
