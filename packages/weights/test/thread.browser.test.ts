import { expect, test } from "vitest";
import { memoryFolder, readOnThread } from "../src/index.ts";

const bytes = Uint8Array.from({ length: 100_001 }, (_, i) => (i * 7) ^ (i >> 9));

test("a worker reads a Blob, an address and the browser's storage at once, while it waits", async () => {
  const worker = new Worker(new URL("./thread-worker.ts", import.meta.url), { type: "module" });
  const url = URL.createObjectURL(new Blob([bytes])); // answers ranges as a server does
  const answer = new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(message);
  });
  worker.postMessage([bytes, url]);
  const read = [true, bytes.subarray(3, 9).join(), "weights/bad-range"];
  expect(await answer).toEqual({ blob: read, url: read, opfs: read });
  worker.terminate();
  URL.revokeObjectURL(url);
});

test("a page itself may not wait, and is told where it may", async () => {
  await expect(readOnThread(memoryFolder(new Map()))).rejects.toThrow(
    expect.objectContaining({
      code: "weights/may-not-wait",
      remedy: expect.stringContaining("worker"),
    }),
  );
});
