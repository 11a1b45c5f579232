import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bytesPerEntry,
  DTYPES,
  type Dtype,
  encodeNumbers,
  memorySource,
  openSafetensors,
  readTensor,
  safetensorsChunks,
  type TensorToWrite,
  writeSafetensors,
} from "../src/index.ts";
import { codeOf, hex } from "./make.ts";

const tensor = (name: string, dtype: Dtype, shape: number[], values: number[]): TensorToWrite => ({
  name,
  dtype,
  shape,
  bytes: encodeNumbers(values, dtype),
});

// Written by the format's own library (safetensors 0.8.0) from the tensors below.
const official = {
  header:
    '{"__metadata__":{"format":"pt"},"z.u64":{"dtype":"U64","shape":[1],"data_offsets":[0,8]},"i64":{"dtype":"I64","shape":[1],"data_offsets":[8,16]},"f64":{"dtype":"F64","shape":[1],"data_offsets":[16,24]},"a.f32":{"dtype":"F32","shape":[1,2],"data_offsets":[24,32]},"z.u32":{"dtype":"U32","shape":[1],"data_offsets":[32,36]},"i32":{"dtype":"I32","shape":[1],"data_offsets":[36,40]},"a.bf16":{"dtype":"BF16","shape":[],"data_offsets":[40,42]},"b.f16":{"dtype":"F16","shape":[2],"data_offsets":[42,46]},"z.u16":{"dtype":"U16","shape":[1],"data_offsets":[46,48]},"z.i16":{"dtype":"I16","shape":[1],"data_offsets":[48,50]},"z.i8":{"dtype":"I8","shape":[1],"data_offsets":[50,51]},"u8":{"dtype":"U8","shape":[0],"data_offsets":[51,51]},"a.bool":{"dtype":"BOOL","shape":[3],"data_offsets":[51,54]}}   ',
  data: "0000000000000000ffffffffffffffff000000000000f03f0000803f000000c00000000007000000803f003c00c00000000000010001",
};

const every: TensorToWrite[] = [
  tensor("b.f16", "F16", [2], [1, -2]),
  tensor("a.bool", "BOOL", [3], [1, 0, 1]),
  tensor("i64", "I64", [1], [-1]),
  tensor("a.f32", "F32", [1, 2], [1, -2]),
  tensor("a.bf16", "BF16", [], [1]),
  tensor("u8", "U8", [0], []),
  tensor("f64", "F64", [1], [1]),
  tensor("i32", "I32", [1], [7]),
  tensor("z.u64", "U64", [1], [0]),
  tensor("z.u32", "U32", [1], [0]),
  tensor("z.u16", "U16", [1], [0]),
  tensor("z.i16", "I16", [1], [0]),
  tensor("z.i8", "I8", [1], [0]),
];

test("byte for byte what the format's own library writes, in whatever order the tensors come", async () => {
  const file = await writeSafetensors(every, { metadata: { format: "pt" } });
  expect(new TextDecoder().decode(file.subarray(8, 8 + 792))).toBe(official.header);
  expect(hex(file.subarray(0, 8))).toBe("1803000000000000");
  expect(hex(file.subarray(8 + 792))).toBe(official.data);
  expect(await writeSafetensors(every.toReversed(), { metadata: { format: "pt" } })).toEqual(file);
});

test("tensors in pieces, whose memory is used again: the same file; too few and too many bytes are refused", async () => {
  const memory = new Uint8Array(4);
  const inPieces = (pieces: number[][]) => () =>
    (async function* () {
      for (const piece of pieces) {
        memory.set(piece);
        yield memory.subarray(0, piece.length);
      }
    })();
  const written = (pieces: number[][]): Promise<Uint8Array> =>
    writeSafetensors([{ name: "a", dtype: "U8", shape: [6], bytes: inPieces(pieces) }]);
  expect(await written([[1, 2, 3, 4], [], [5, 6]])).toEqual(
    await writeSafetensors([tensor("a", "U8", [6], [1, 2, 3, 4, 5, 6])]),
  );
  for (const pieces of [
    [[1, 2, 3]],
    [
      [1, 2, 3, 4],
      [5, 6, 7],
    ],
    [],
  ])
    expect(await codeOf(() => written(pieces))).toBe("weights/size-mismatch");
});

test("written, opened and read again: the same (property)", async () => {
  const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
  const one = fc
    .record({ name: fc.string({ unit: "grapheme" }), dtype: fc.constantFrom(...DTYPES), shape })
    .chain(({ name, dtype, shape: sizes }) => {
      const length = sizes.reduce((product, size) => product * size, bytesPerEntry(dtype));
      return fc
        .uint8Array({ minLength: length, maxLength: length })
        .map((bytes) => ({ name, dtype, shape: sizes, bytes }));
    });
  const tensors = fc.uniqueArray(one, { selector: ({ name }) => name, maxLength: 8 });
  const metadata = fc.dictionary(fc.string(), fc.string());
  await fc.assert(
    fc.asyncProperty(tensors, metadata, async (list, about) => {
      const bytes = await writeSafetensors(list, { metadata: about });
      const file = await openSafetensors(memorySource(bytes));
      expect({ ...file.metadata }).toEqual({ ...about });
      expect([...file.tensors.keys()].sort()).toEqual(list.map(({ name }) => name).sort());
      for (const { name, dtype, shape: sizes, bytes: data } of list) {
        expect(await readTensor(file, name)).toEqual({
          dtype,
          shape: sizes,
          bytes: new Uint8Array(data),
        });
        expect((file.tensors.get(name)?.start ?? 1) % bytesPerEntry(dtype)).toBe(0);
      }
    }),
    { seed: 3, numRuns: 200 },
  );
});

test("names and metadata keys that objects treat in their own way", async () => {
  const list = ["__proto__", "constructor", "7", "b"].map((name, i) =>
    tensor(name, "U8", [1], [i]),
  );
  const metadata = JSON.parse('{"__proto__":"x","10":"y"}');
  const file = await openSafetensors(memorySource(await writeSafetensors(list, { metadata })));
  expect((await readTensor(file, "__proto__")).bytes).toEqual(Uint8Array.of(0));
  expect((await readTensor(file, "7")).bytes).toEqual(Uint8Array.of(2));
  expect(Object.entries(file.metadata).sort()).toEqual([
    ["10", "y"],
    ["__proto__", "x"],
  ]);
});

test("one tensor is asked for at a time, in the order of the file, and progress is told", async () => {
  const log: string[] = [];
  const lazy = (name: string): TensorToWrite => ({
    name,
    dtype: "U8",
    shape: [2],
    bytes: async () => {
      log.push(name);
      return Uint8Array.of(1, 2);
    },
  });
  const pieces = safetensorsChunks([lazy("b"), lazy("a")], {
    onProgress: ({ done, total }) => log.push(`${total - done} left`),
  });
  for await (const piece of pieces) log.push(`${piece.length > 2 ? "header" : "piece"}`);
  expect(log).toEqual(["header", "a", "piece", "2 left", "b", "piece", "0 left"]);
});

describe("what cannot be written", () => {
  const u8 = (name: string) => tensor(name, "U8", [1], [1]);
  test.each<[string, string, TensorToWrite[]]>([
    ["weights/duplicate-name", "two of one name", [u8("a"), u8("a")]],
    ["weights/bad-name", "the name of the metadata", [u8("__metadata__")]],
    ["weights/bad-name", "half a character", [u8("\ud800")]],
    ["weights/bad-shape", "a negative size", [{ ...u8("a"), shape: [-1] }]],
    ["weights/bad-shape", "a fraction", [{ ...u8("a"), shape: [0.5] }]],
    ["weights/size-mismatch", "too few bytes", [{ ...u8("a"), shape: [2] }]],
    ["weights/file-too-large", "a size above 2^53", [{ ...u8("a"), shape: [2 ** 40, 2 ** 40] }]],
    [
      "weights/file-too-large",
      "a sum above 2^53",
      [
        { ...u8("a"), shape: [2 ** 52] },
        { ...u8("b"), shape: [2 ** 52] },
      ],
    ],
    ["weights/too-large-for-memory", "more than memory holds", [{ ...u8("a"), shape: [2 ** 50] }]],
    ["weights/too-many-tensors", "half a million and one", Array(500_001).fill(u8("a"))],
    // A word that is not a Dtype, as it would come from JavaScript.
    ["weights/unsupported-dtype", "a dtype nobody knows", [{ ...u8("a"), dtype: "F7" as Dtype }]],
  ])("%s: %s", async (code, _what, tensors) => {
    expect(await codeOf(() => writeSafetensors(tensors))).toBe(code);
  });

  test("a signal stops it between tensors", async () => {
    const controller = new AbortController();
    const stopping = {
      ...u8("a"),
      bytes: () => {
        controller.abort();
        return Uint8Array.of(1);
      },
    };
    const work = writeSafetensors([stopping, u8("b")], { signal: controller.signal });
    await expect(work).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
  });
});
