import { expect, test } from "vitest";
import { checkpointSha256 } from "../src/hub/index.ts";
import {
  blobSource,
  encodeNumbers,
  openCheckpoint,
  urlSource,
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

test("the browser's own fetch is used, and a server that ignores ranges is found out", async () => {
  // The test page itself: served whole, whatever range is asked for.
  await expect(urlSource(location.href).size()).rejects.toThrow(
    expect.objectContaining({ code: "weights/no-range-support" }),
  );
});
