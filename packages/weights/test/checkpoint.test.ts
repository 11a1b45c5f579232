import { describe, expect, test } from "vitest";
import {
  encodeNumbers,
  type Folder,
  isFileName,
  memoryFolder,
  memorySource,
  openCheckpoint,
  writeSafetensors,
} from "../src/index.ts";
import { codeOf, counted } from "./make.ts";

const shard = (values: Record<string, number[]>) =>
  writeSafetensors(
    Object.entries(values).map(([name, list]) => ({
      name,
      dtype: "BF16" as const,
      shape: [list.length],
      bytes: encodeNumbers(list, "BF16"),
    })),
  );

const first = await shard({ "a.weight": [1, 2], "b.weight": [3] });
const second = await shard({ "c.weight": [-4, 5] });
const text = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

/** A folder with the two shards, this index and these further files. */
const sharded = (index: unknown, files: Record<string, Uint8Array> = {}): Folder =>
  memoryFolder(
    new Map<string, Uint8Array>([
      ["model.safetensors.index.json", text(index)],
      ["1.safetensors", first],
      ["2.safetensors", second],
      ...Object.entries(files),
    ]),
    "models/test",
  );

test("files in memory have folders inside them", async () => {
  const folder = memoryFolder(
    new Map([
      ["a", first],
      ["in/model.safetensors", second],
    ]),
    "outer",
  );
  const inside = folder.inside?.("in");
  expect(inside?.name).toBe("outer/in");
  expect(await inside?.open("a")).toBeUndefined();
  const checkpoint = await openCheckpoint(inside ?? folder);
  expect(checkpoint.names).toEqual(["c.weight"]);
  expect(await folder.inside?.("none")?.open("a")).toBeUndefined();
});

const map = {
  "c.weight": "2.safetensors",
  "a.weight": "1.safetensors",
  "b.weight": "1.safetensors",
};

test.each([
  '{"metadata":{"total_size":NaN},"weight_map":MAP}',
  '{"metadata":{"a":[Infinity,-Infinity]},"weight_map":MAP}',
  '\ufeff{"weight_map":MAP}',
])("an index as Python writes it: %s", async (index) => {
  const checkpoint = await openCheckpoint(sharded(index.replace("MAP", JSON.stringify(map))));
  expect(checkpoint.names).toEqual(["a.weight", "b.weight", "c.weight"]);
});

test("one file", async () => {
  const checkpoint = await openCheckpoint(memoryFolder(new Map([["model.safetensors", first]])));
  expect(checkpoint.names).toEqual(["a.weight", "b.weight"]);
  expect([...checkpoint.files.keys()]).toEqual(["model.safetensors"]);
  expect(checkpoint.info("a.weight")).toMatchObject({
    dtype: "BF16",
    shape: [2],
    file: "model.safetensors",
  });
  expect(checkpoint.has("a.weight")).toBe(true);
  expect(checkpoint.has("toString")).toBe(false);
  expect(await checkpoint.read("b.weight")).toEqual({
    dtype: "BF16",
    shape: [1],
    bytes: Uint8Array.of(0x40, 0x40),
  });
  expect(await checkpoint.numbers("a.weight", "f32")).toEqual(Float32Array.of(1, 2));
  expect(await checkpoint.numbers("a.weight", "f64")).toEqual(Float64Array.of(1, 2));
});

test("one file under any name, given as a source", async () => {
  const checkpoint = await openCheckpoint(memorySource(first, "tuned.safetensors"));
  expect(checkpoint.name).toBe("tuned.safetensors");
  expect(await checkpoint.numbers("b.weight", "f64")).toEqual(Float64Array.of(3));
});

test("shards: all headers are checked, and a tensor is read from its shard alone", async () => {
  const one = counted(first);
  const two = counted(second);
  const index = text({ metadata: { total_size: 10 }, weight_map: map });
  const files = new Map([
    ["1.safetensors", one],
    ["2.safetensors", two],
    ["model.safetensors.index.json", memorySource(index)],
  ]);
  const checkpoint = await openCheckpoint(memoryFolder(files));
  expect(checkpoint.names).toEqual(["a.weight", "b.weight", "c.weight"]);
  expect([...checkpoint.files.keys()]).toEqual(["1.safetensors", "2.safetensors"]);
  expect(one.asked.length + two.asked.length).toBe(4);
  expect(await checkpoint.numbers("c.weight", "f32")).toEqual(Float32Array.of(-4, 5));
  expect(one.asked.length).toBe(2);
  expect(two.asked.length).toBe(3);
});

test("a tensor that the index does not list is not part of the checkpoint", async () => {
  const checkpoint = await openCheckpoint(sharded({ weight_map: { "b.weight": "1.safetensors" } }));
  expect(checkpoint.names).toEqual(["b.weight"]);
  expect(await codeOf(() => checkpoint.read("a.weight"))).toBe("weights/no-tensor");
});

test("weights/no-tensor says what comes nearest", async () => {
  const checkpoint = await openCheckpoint(sharded({ weight_map: map }));
  expect(() => checkpoint.info("c.wieght")).toThrow(
    'there is no tensor "c.wieght". Did you mean "c.weight"',
  );
  expect(await codeOf(() => checkpoint.numbers("__proto__", "f32"))).toBe("weights/no-tensor");
});

describe("each fault has its own error", () => {
  const at = (file: unknown) => ({ weight_map: { a: file } });
  test.each<[string, string, unknown]>([
    ["weights/bad-index", "not JSON", "{"],
    ["weights/bad-index", "an array", []],
    ["weights/bad-index", "no weight_map", { metadata: {} }],
    [
      "weights/bad-index",
      "a weight_map that is inherited",
      '{"__proto__":{"weight_map":{"a":"1.safetensors"}}}',
    ],
    ["weights/bad-index", "a weight_map that is an array", { weight_map: [] }],
    ["weights/bad-index", "nothing listed", { weight_map: {} }],
    ["weights/bad-index", "a shard that is a number", at(1)],
    ["weights/bad-index", "deep nesting", `{"a":${"[".repeat(1000)}`],
    [
      "weights/duplicate-name",
      "a tensor twice",
      '{"weight_map":{"a":"1.safetensors","a":"2.safetensors"}}',
    ],
    [
      "weights/too-many-tensors",
      "half a million and two",
      `{"weight_map":{${'"":0,'.repeat(500_002)}}}`,
    ],
    ["weights/shard-outside-folder", "the folder above", at("../1.safetensors")],
    ["weights/shard-outside-folder", "a folder below", at("x/1.safetensors")],
    ["weights/shard-outside-folder", "a path from the root", at("/etc/passwd")],
    ["weights/shard-outside-folder", "backslashes", at("..\\1.safetensors")],
    ["weights/shard-outside-folder", "a drive", at("C:1.safetensors")],
    ["weights/shard-outside-folder", "an address", at("https://example.org/x")],
    ["weights/shard-outside-folder", "a NUL", at("1.safetensors\0")],
    ["weights/shard-outside-folder", "dots alone", at("..")],
    ["weights/shard-outside-folder", "nothing", at("")],
    ["weights/missing-shard", "a shard that is not there", at("3.safetensors")],
    ["weights/missing-shard", "a name that objects have", at("constructor")],
    ["weights/missing-in-shard", "a tensor that its shard lacks", at("1.safetensors")],
    [
      "weights/missing-in-shard",
      "a name that objects have",
      '{"weight_map":{"__proto__":"1.safetensors"}}',
    ],
    [
      "weights/too-many-shards",
      "ten thousand and one",
      {
        weight_map: Object.fromEntries(
          Array.from({ length: 10_001 }, (_, i) => [`t${i}`, `s${i}`]),
        ),
      },
    ],
  ])("%s: %s", async (code, _what, index) => {
    expect(await codeOf(() => openCheckpoint(sharded(index)))).toBe(code);
  });

  test("a shard that is damaged", async () => {
    const folder = sharded({ weight_map: map }, { "2.safetensors": second.subarray(0, -1) });
    expect(await codeOf(() => openCheckpoint(folder))).toBe("weights/truncated");
  });

  test("weights/index-too-large, of which nothing is read", async () => {
    const index = {
      name: "index",
      size: async () => 100_000_001,
      read: async () => expect.unreachable(),
    };
    const folder = memoryFolder(new Map([["model.safetensors.index.json", index]]));
    expect(await codeOf(() => openCheckpoint(folder))).toBe("weights/index-too-large");
  });

  test("weights/no-checkpoint", async () => {
    await expect(openCheckpoint(memoryFolder(new Map(), "models/none"))).rejects.toThrow(
      "models/none: there is neither model.safetensors nor model.safetensors.index.json.",
    );
  });
});

test("file names", () => {
  expect(
    ["model-00001-of-00002.safetensors", "a b.safetensors", "…", "..a"].map(isFileName),
  ).toEqual([true, true, true, true]);
  expect([".", "..", "a/b", "a\\b", "a:b", "", "a\n", "x".repeat(256)].some(isFileName)).toBe(
    false,
  );
});
