import { expect, test } from "vitest";
import { blobSource, decodeNumbers } from "../src/index.ts";
import { openNpz } from "../src/npz/index.ts";

/** What `numpy.savez_compressed("x", rows=numpy.asfortranarray(numpy.arange(6, dtype="f4").reshape(2, 3)))` writes. */
const FILE =
  "UEsDBC0AAAAIAAAAIQDOLODT//////////8IABQAcm93cy5ucHkBABAAmAAAAAAAAABWAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEg8pKk0FChdnJBakArkaRjoKxpo6CrUK5AMuBjBwcGBgaLAHYgcQh4FhgQMAUEsBAi0DLQAAAAgAAAAhAM4s4NNWAAAAmAAAAAgAAAAAAAAAAAAAAIABAAAAAHJvd3MubnB5UEsFBgAAAAABAAEANgAAAJAAAAAAAA==";

test("the browser unpacks deflated arrays", async () => {
  const bytes = Uint8Array.from(atob(FILE), (letter) => letter.charCodeAt(0));
  const npz = await openNpz(blobSource(new Blob([bytes])));
  expect(npz.tensors.get("rows")?.shape).toEqual([2, 3]);
  expect(decodeNumbers(await npz.read("rows"), "f32")).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5));
});
