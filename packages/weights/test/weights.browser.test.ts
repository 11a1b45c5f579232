import { expect, test } from "vitest";
import { checkpointSha256 } from "../src/hash.ts";
import {
  blobSource,
  encodeNumbers,
  openCheckpoint,
  urlSource,
  type WholeFile,
  writeSafetensors,
} from "../src/index.ts";

const file = await writeSafetensors([
  { name: "a", dtype: "F16", shape: [3], bytes: encodeNumbers([1, -2, 2 ** -24], "F16") },
]);

test("a file that was written here is read back from a Blob, and hashed", async () => {
  const checkpoint = await openCheckpoint(blobSource(new Blob([new Uint8Array(file)])));
  expect(await checkpoint.numbers("a", "f32")).toEqual(Float32Array.of(1, -2, 2 ** -24));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(file)));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  expect(await checkpointSha256(checkpoint)).toBe(hex);
});

test("the browser's own fetch is used, and a file that its server sends whole is read, and told", async () => {
  const told: WholeFile[] = [];
  // An address that is not in the browser's cache, whatever other tests have imported: Vite sends it whole, whatever
  // range is asked for.
  const source = urlSource(new URL(`./make.ts?once=${crypto.randomUUID()}`, import.meta.url), {
    onWhole: (file) => told.push(file),
  });
  const text = new TextDecoder().decode(await source.read(0, await source.size()));
  expect(text).toContain("codeOf");
  expect(told.at(-1)?.done).toBe(await source.size());
});
