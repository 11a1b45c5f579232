import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describeWithFixtures } from "@resolvent/testkit";
import { expect, test } from "vitest";
import {
  decodeNumbers,
  memorySource,
  openCheckpoint,
  openSafetensors,
  readTensor,
  writeSafetensors,
} from "../src/index.ts";
import { checkpointSha256, fileSource, folderOf } from "../src/node/index.ts";

describeWithFixtures("files that other programs have written", (fixtures) => {
  const inFolder = (folder: string) =>
    readdirSync(folder)
      .filter((file) => file.endsWith(".safetensors"))
      .map((file) => join(folder, file));
  const models = fixtures.path("fixtures/models");
  const paths = [
    ...readdirSync(models).flatMap((model) => inFolder(join(models, model))),
    ...inFolder(fixtures.path("golden/merge")),
  ];

  test("there are some", () => {
    expect(paths.length).toBeGreaterThanOrEqual(8);
  });

  test.each(paths.map((path) => [path.slice(fixtures.root.length), path]))(
    "%s",
    async (_name, path) => {
      const file = await openSafetensors(fileSource(path));
      const tensors = await Promise.all(
        [...file.tensors.keys()].map(async (name) => ({ name, ...(await readTensor(file, name)) })),
      );
      const raw = readFileSync(path);
      for (const { name, dtype, shape, bytes } of tensors) {
        // Against the file itself, at the place that its header gives, found without this package.
        const header = JSON.parse(raw.toString("utf8", 8, 8 + raw.readUInt32LE(0)));
        const [start, end] = header[name].data_offsets.map(
          (at: number) => at + 8 + raw.readUInt32LE(0),
        );
        expect(Buffer.compare(bytes, raw.subarray(start, end))).toBe(0);
        expect({ dtype, shape }).toEqual({ dtype: header[name].dtype, shape: header[name].shape });
        if (dtype !== "F32") continue;
        const values = decodeNumbers({ dtype, shape, bytes }, "f64", name);
        expect(values.every((value, i) => Object.is(value, raw.readFloatLE(start + 4 * i)))).toBe(
          true,
        );
      }
      const written = await writeSafetensors(tensors, { metadata: file.metadata });
      const again = await openSafetensors(memorySource(written));
      expect(again.size - raw.length).toBeLessThan(64); // the same header, but for order and padding
      for (const { name, dtype, shape, bytes } of tensors) {
        const back = await readTensor(again, name);
        expect(Buffer.compare(back.bytes, bytes)).toBe(0);
        expect({ dtype: back.dtype, shape: back.shape }).toEqual({ dtype, shape });
      }
      expect(again.metadata).toEqual(file.metadata);
    },
  );

  test("a model's folder opens as a checkpoint", async () => {
    const folder = dirname(fixtures.path("fixtures/models/stories260k/model.safetensors"));
    const checkpoint = await openCheckpoint(folderOf(folder));
    expect(checkpoint.info("model.embed_tokens.weight").shape).toEqual([512, 64]);
    expect(await checkpointSha256(checkpoint)).toMatch(/^[0-9a-f]{64}$/);
  });
});
