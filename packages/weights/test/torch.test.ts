import { describeWithFixtures } from "@resolvent/testkit";
import {
  float32Bytes,
  pickledDict,
  pickledTensor,
  type SavedTensor,
  torchArchive,
  torchOf,
} from "@resolvent/testkit/archives";
import { describe, expect, test } from "vitest";
import { decodeNumbers, memorySource } from "../src/index.ts";
import { fileSource } from "../src/node/index.ts";
import {
  isTorchTensor,
  openTorch,
  type TorchOptions,
  type TorchValue,
} from "../src/torch/index.ts";
import { codeOf, counted } from "./make.ts";

const rows: SavedTensor = {
  storage: "FloatStorage",
  bytes: float32Bytes([1, 2, 3, 4, 5, 6]),
  count: 6,
  shape: [2, 3],
};

async function numbersOf(bytes: Uint8Array): Promise<Record<string, number[]>> {
  const { value, read } = await openTorch(memorySource(bytes));
  if (!(value instanceof Map)) throw new Error("no dict");
  const named = [...value].map(async ([name, tensor]): Promise<[string, number[]]> => {
    if (!isTorchTensor(tensor)) throw new Error("no tensor");
    return [String(name), [...decodeNumbers(await read(tensor), "f64")]];
  });
  return Object.fromEntries(await Promise.all(named));
}

test("tensors of every stride, offset and storage", async () => {
  const bytes = (array: ArrayBufferView): Uint8Array =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const file = torchOf({
    rows,
    columns: { ...rows, shape: [3, 2], strides: [1, 3] },
    middle: { ...rows, shape: [2], strides: [3], offset: 1 },
    scalar: { ...rows, shape: [], offset: 4 },
    none: { ...rows, shape: [0, 3], strides: [3, 1] },
    double: {
      ...rows,
      storage: "DoubleStorage",
      bytes: bytes(new Float64Array([0.1, -2])),
      count: 2,
      shape: [2],
    },
    half: {
      ...rows,
      storage: "HalfStorage",
      bytes: Uint8Array.of(0, 0x3c, 0, 0xc0),
      count: 2,
      shape: [2],
    },
    bfloat: {
      ...rows,
      storage: "BFloat16Storage",
      bytes: Uint8Array.of(0x80, 0x3f),
      count: 1,
      shape: [1],
    },
    long: {
      ...rows,
      storage: "LongStorage",
      bytes: bytes(new BigInt64Array([-3n, 7n])),
      count: 2,
      shape: [2, 1],
      strides: [1, 1],
    },
    int: {
      ...rows,
      storage: "IntStorage",
      bytes: bytes(new Int32Array([-4])),
      count: 1,
      shape: [],
    },
    short: {
      ...rows,
      storage: "ShortStorage",
      bytes: bytes(new Int16Array([-5])),
      count: 1,
      shape: [],
    },
    char: {
      ...rows,
      storage: "CharStorage",
      bytes: bytes(new Int8Array([-6])),
      count: 1,
      shape: [],
    },
    byte: { ...rows, storage: "ByteStorage", bytes: Uint8Array.of(200), count: 1, shape: [] },
    bool: { ...rows, storage: "BoolStorage", bytes: Uint8Array.of(1), count: 1, shape: [] },
  });
  expect(await numbersOf(file)).toEqual({
    rows: [1, 2, 3, 4, 5, 6],
    columns: [1, 4, 2, 5, 3, 6],
    middle: [2, 5],
    scalar: [5],
    none: [],
    double: [0.1, -2],
    half: [1, -2],
    bfloat: [1],
    long: [-3, 7],
    int: [-4],
    short: [-5],
    char: [-6],
    byte: [200],
    bool: [1],
  });
});

test("an archive of 64-bit sizes", async () => {
  expect(await numbersOf(torchOf({ rows }, { zip64: true }))).toEqual({ rows: [1, 2, 3, 4, 5, 6] });
});

test("of a storage only what a tensor spans is read", async () => {
  const bytes = new Uint8Array(400_000);
  const source = counted(
    torchOf({ x: { ...rows, bytes, count: 100_000, shape: [10], offset: 50_000 } }),
  );
  const { value, read } = await openTorch(source);
  const tensor = value instanceof Map ? value.get("x") : undefined;
  if (!isTorchTensor(tensor)) throw new Error("no tensor");
  const before = source.asked.length;
  await read(tensor);
  expect(source.asked.slice(before).map(([start, end]) => end - start)).toEqual([30, 40]);
});

/** What a pickle, without its protocol and stop, is read as. */
async function read(
  pickle: Buffer,
  options?: TorchOptions & { readonly byteorder?: string },
): Promise<TorchValue> {
  const { byteorder, ...rest } = options ?? {};
  const bytes = torchArchive(
    pickle,
    { 0: rows.bytes },
    byteorder === undefined ? {} : { byteorder },
  );
  return (await openTorch(memorySource(bytes), rest)).value;
}

const b = (...parts: readonly (string | number)[]): Buffer =>
  Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.of(part))),
  );

describe("pickles", () => {
  test("a state dict with versions, and a parameter", async () => {
    const dict = Buffer.concat([
      b("ccollections\nOrderedDict\n)R("),
      b("X", 1, 0, 0, 0, "w"),
      b("ctorch._utils\n_rebuild_parameter\n("),
      pickledTensor("0", rows),
      b(0x88, "ccollections\nOrderedDict\n)RtRu"),
      // its state: {"_metadata": OrderedDict()}
      b("}X", 9, 0, 0, 0, "_metadata", "ccollections\nOrderedDict\n)Rsb"),
    ]);
    const value = await read(dict);
    expect(value instanceof Map && [...value.keys()]).toEqual(["w"]);
    expect(value instanceof Map && value.get("w")).toMatchObject({ kind: "tensor", shape: [2, 3] });
  });

  test("plain values of several protocols", async () => {
    const whole = Buffer.concat([
      b("](K", 7, "M", 1, 2, "J", 0xff, 0xff, 0xff, 0xff),
      b(0x8a, 2, 0x00, 0x80, "G", 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, "N", 0x88, 0x89),
      b(0x8c, 2, "hi", ")", "K", 1, 0x85, "K", 1, "K", 2, 0x86, "e"),
    ]);
    expect(await read(whole)).toEqual([
      7,
      513,
      -1,
      -32768,
      1,
      null,
      true,
      false,
      "hi",
      [],
      [1],
      [1, 2],
    ]);
  });

  test("what is recalled is the same value", async () => {
    expect(
      await read(b("]q", 0, "(h", 0x05, "e")).catch((error: { code: string }) => error.code),
    ).toBe("weights/bad-pickle");
    expect(await read(b("(X", 1, 0, 0, 0, "a", "q", 3, "h", 3, "j", 3, 0, 0, 0, "t"))).toEqual([
      "a",
      "a",
      "a",
    ]);
  });

  test("records are data, where the reader is told of them", async () => {
    const object = b("cmy.module\nConfig\n)", 0x81, "}X", 1, 0, 0, 0, "n", "K", 3, "sb");
    expect(await codeOf(() => read(object))).toBe("weights/pickle-global");
    expect(await read(object, { records: ["my.module.Config"] })).toEqual({
      kind: "record",
      type: "my.module.Config",
      args: [],
      state: new Map([["n", 3]]),
    });
    expect(await read(b("ctorch\nfloat32\n"), { records: ["torch.float32"] })).toEqual({
      kind: "name",
      path: "torch.float32",
    });
  });
});

describe("what is refused, and how it is called", () => {
  test.each([
    ["a global that is called", b("cos\nsystem\n(X", 2, 0, 0, 0, "ls", "tR")],
    ["a global that is only named", b("c__builtin__\ncomplex\n")],
    ["a global from the stack", b(0x8c, 2, "os", 0x8c, 6, "system", 0x93)],
    ["a name that every object has", b("cconstructor\nprototype\n")],
  ])("%s", async (_, pickle) => {
    expect(await codeOf(() => read(pickle))).toBe("weights/pickle-global");
  });

  const tensorWith = (change: Partial<SavedTensor>): Buffer =>
    pickledDict({ x: pickledTensor("0", { ...rows, ...change }) });

  test.each([
    ["a tensor beyond its storage", tensorWith({ shape: [3, 3] })],
    ["a tensor whose offset is beyond its storage", tensorWith({ offset: 1 })],
    [
      "strides that make more of a storage than it holds",
      tensorWith({ shape: [1000, 1000], strides: [0, 0] }),
    ],
    ["negative strides", tensorWith({ strides: [-3, 1] })],
    ["as many strides as axes", tensorWith({ strides: [1] })],
    [
      "a list that grows once it has been a shape",
      (() => {
        const shape = b("](K", 2, "K", 3, "eq", 9);
        return Buffer.concat([
          b("ctorch._utils\n_rebuild_tensor_v2\n(("),
          b("K", 1, "tQ"),
          shape,
          b("tR"),
        ]);
      })(),
    ],
    ["an operation that no tensors need", b("Pid\n")],
    ["a value that is not there", b("h", 0)],
    ["a stack that is empty", b("u")],
    ["values left over", b("NN")],
    ["a mark on its own", b("(")],
    ["a key that is a list", b("}]Ns")],
    ["a key twice", b("}(K", 1, "NK", 1, "Nu")],
    ["a whole number beyond 2^53", b(0x8a, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)],
    ["a text that is not UTF-8", b("X", 1, 0, 0, 0, 0xff)],
    ["a text beyond the end", b("X", 0xff, 0xff, 0xff, 0xff, "a")],
    ["a list in itself", b("]q", 0, "h", 0, "a")],
    ["lists 100 deep", b("]".repeat(100), "a".repeat(99))],
    ["a call of a storage", b("ctorch\nFloatStorage\n)R")],
    ["a storage of another kind", b("(X", 6, 0, 0, 0, "module", "NNNNtQ")],
    ["a protocol of the future", b(0x80, 9, "N")],
  ])("%s", async (_, pickle) => {
    expect(await codeOf(() => read(pickle))).toBe("weights/bad-pickle");
  });

  test("big-endian numbers", async () => {
    expect(await codeOf(() => read(b("N"), { byteorder: "big" }))).toBe("weights/big-endian-file");
  });

  test("a storage that is not there, or of another size", async () => {
    for (const storages of [{}, { 0: new Uint8Array(8) }]) {
      const file = torchArchive(pickledTensor("0", rows), storages as Record<string, Uint8Array>);
      const { value, read: tensor } = await openTorch(memorySource(file));
      if (!isTorchTensor(value)) throw new Error("no tensor");
      expect(await codeOf(() => tensor(value))).toBe("weights/bad-zip");
    }
  });

  test("a shape that is a list, and changed after it was looked at, changes no tensor", async () => {
    // shape = [2, 3], kept; the tensor; then shape.append(1000)
    const storage = b(
      "(X",
      7,
      0,
      0,
      0,
      "storage",
      "ctorch\nFloatStorage\n",
      "X",
      1,
      0,
      0,
      0,
      "0",
      "X",
      3,
      0,
      0,
      0,
      "cpu",
      "K",
      6,
      "tQ",
    );
    const pickle = Buffer.concat([
      b("](](K", 2, "K", 3, "eq", 1),
      b("ctorch._utils\n_rebuild_tensor_v2\n("),
      storage,
      b("K", 0, "h", 1, "(K", 3, "K", 1, "ttR"),
      b("h", 1, "M", 0xe8, 0x03, "ae"),
    ]);
    const value = await read(pickle);
    expect(Array.isArray(value) && value[1]).toMatchObject({ kind: "tensor", shape: [2, 3] });
  });
});

describeWithFixtures("archives that others have written", (fixtures) => {
  test("a graph, whose classes stay data", async () => {
    const path = fixtures.path("fixtures/dictionaries/graphs/circuit-tracer.pt");
    expect(await codeOf(() => openTorch(fileSource(path)))).toBe("weights/pickle-global");
    const { value, read: tensor } = await openTorch(fileSource(path), {
      records: [
        "circuit_tracer.utils.tl_nnsight_mapping.UnifiedConfig",
        "circuit_tracer.attribution.targets.LogitTarget",
      ],
    });
    if (!(value instanceof Map)) throw new Error("no dict");
    const matrix = value.get("adjacency_matrix");
    if (!isTorchTensor(matrix)) throw new Error("no matrix");
    expect(matrix.shape).toEqual([14, 14]);
    expect((await tensor(matrix)).bytes.length).toBe(14 * 14 * 4);
    expect(value.get("cfg")).toMatchObject({ kind: "record", state: expect.any(Map) });
    expect(value.get("input_string")).toBe('<s> café "x"\n');
  });
});
