import { expect, test } from "vitest";
import {
  encodeNumbers,
  memoryFolder,
  memorySource,
  openCheckpoint,
  type TensorToWrite,
  writeSafetensors,
} from "../src/index.ts";
import { checkpointSha256 } from "../src/node/index.ts";
import { packCheckpoint, unpackedFolder } from "../src/packed/index.ts";
import { codeOf } from "./make.ts";

const f32 = (name: string, shape: number[], values: number[]): TensorToWrite => ({
  ...{ name, dtype: "F32", shape },
  bytes: encodeNumbers(values, "F32"),
});
const folder = async (tensors: TensorToWrite[], more: [string, Uint8Array][] = []) =>
  memoryFolder(new Map([["model.safetensors", await writeSafetensors(tensors)], ...more]));
const packed = (bytes: Uint8Array) => memoryFolder(new Map([["packed.safetensors", bytes]]), "it");

const before = [
  f32("a", [2, 3], [1, 2, 3, 4, 5, 6]),
  f32("b", [2], [0.5, -0.25]),
  f32("same", [2, 2], [1, 2, 3, 4]),
  f32("empty", [0, 2], []),
];
const after = [
  f32("a", [2, 3], [1.5, 1.8125, 3.125, 4, 5, 6]), // differs by ½, −3/16, ⅛ in one row, by nothing in the other
  f32("b", [2], [0.625, -0.25]),
  ...before.slice(2),
];
const config = new TextEncoder().encode("{}");
const base = await folder(before, [["config.json", config]]);
const model = await folder(after);

test("a model comes back as base + scale · whole number, rounded once, as one file among the base's", async () => {
  const bytes = await packCheckpoint(await openCheckpoint(model), {
    base: await openCheckpoint(base),
  });
  const found = unpackedFolder(packed(bytes), { base, name: "tuned" });
  expect(found.name).toBe("tuned");
  const checkpoint = await openCheckpoint(found);
  expect(checkpoint.names).toEqual(["a", "b", "empty", "same"]);
  const scale = Math.fround(0.5 / 127);
  expect([...(await checkpoint.numbers("a", "f32"))]).toEqual(
    [1 + scale * 127, 2 + scale * -48, 3 + scale * 32, 4, 5, 6].map(Math.fround), // −47.6 and 31.75 127ths of ½
  );
  expect([...(await checkpoint.numbers("b", "f32"))]).toEqual([0.625, -0.25]);
  expect([...(await checkpoint.numbers("same", "f32"))]).toEqual([1, 2, 3, 4]);
  const text = await found.open("config.json");
  expect(await text?.read(0, 2)).toEqual(config);
  expect(await found.open("tokenizer.json")).toBe(undefined);
  // what is as it was is not stored
  const stored = await openCheckpoint(memorySource(bytes));
  expect(stored.names).toEqual(["a", "a:scale", "b"]);
});

test("without a base all of it is stored", async () => {
  const bytes = await packCheckpoint(await openCheckpoint(model));
  const other = await folder([f32("of", [1], [7])]);
  const checkpoint = await openCheckpoint(unpackedFolder(packed(bytes), { base: other }));
  expect(checkpoint.names).toEqual(["a", "b", "empty", "same"]);
  const [x] = await checkpoint.numbers("a", "f64");
  expect(x).toBe(Math.fround(Math.fround(3.125 / 127) * 61)); // 1.5 is nearest to 61 of 127 parts of the row's largest
});

test("another base is refused, with both hashes", async () => {
  const bytes = await packCheckpoint(await openCheckpoint(model), {
    base: await openCheckpoint(base),
  });
  const [expected, got] = [base, model].map((one) =>
    openCheckpoint(one).then((checkpoint) => checkpointSha256(checkpoint)),
  );
  await expect(openCheckpoint(unpackedFolder(packed(bytes), { base: model }))).rejects.toThrow(
    expect.objectContaining({
      code: "weights/packed-base",
      message: expect.stringMatching(new RegExp(`${await expected}.*${await got}`)),
    }),
  );
  const narrower = await openCheckpoint(await folder(before.slice(1)));
  expect(
    await codeOf(async () => packCheckpoint(narrower, { base: await openCheckpoint(base) })),
  ).toBe("weights/pack-shapes");
});

test("what does not say a model's numbers is refused", async () => {
  const hash = await checkpointSha256(await openCheckpoint(base));
  const whole = (name: string, shape: number[], values: number[]): TensorToWrite => ({
    ...{ name, dtype: "I8", shape },
    bytes: encodeNumbers(values, "I8"),
  });
  const a = whole("a", [2, 3], [1, 2, 3, 4, 5, 6]);
  const codeFor = async (tensors: TensorToWrite[], metadata: Record<string, string>) =>
    await codeOf(async () => {
      const bytes = await writeSafetensors(tensors, { metadata });
      await openCheckpoint(unpackedFolder(packed(bytes), { base }));
    });
  const format = { format: "resolvent-packed-1", base_sha256: hash };
  const scales = f32("a:scale", [2], [1, 1]);
  expect(await codeFor([a, scales], format)).toBe("none");
  for (const [tensors, metadata] of [
    [[a, scales], { format: "pt" }],
    [[a, scales], {}],
    [[a], format],
    [[a, f32("a:scale", [3], [1, 1, 1])], format],
    [[whole("a", [3, 2], [1, 2, 3, 4, 5, 6]), f32("a:scale", [3], [1, 1, 1])], format],
    [[a, scales, f32("b", [2], [1, 1])], format],
    [[a, scales, whole("c", [1], [1]), f32("c:scale", [1], [1])], format],
    [[{ ...f32("b", [2], [1, 1]), dtype: "I32" as const }], format],
  ] as const) {
    expect(await codeFor([...tensors], metadata)).toBe("weights/bad-packed");
  }
  expect(await codeOf(() => openCheckpoint(unpackedFolder(base, { base })))).toBe(
    "weights/bad-packed",
  );
});
