import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { decodeNumbers, encodeNumbers, memorySource } from "../src/index.ts";
import {
  isTorchTensor,
  openTorch,
  type TorchToWrite,
  type TorchValue,
  torchChunks,
} from "../src/torch/index.ts";
import { codeOf } from "./make.ts";

const python = process.env.RESOLVENT_PYTHON ?? "/usr/bin/python3";

const numbers = { half: [1.5, -2, 0.25, 8, 0, -1], single: [1e-3, 7], long: [-3, 2 ** 40] };
const value: TorchToWrite = new Map<string | number, TorchToWrite>([
  [
    "J",
    new Map<number, TorchToWrite>([
      [
        0,
        {
          ...{ kind: "tensor", dtype: "F16", shape: [2, 3] },
          bytes: () => encodeNumbers(numbers.half, "F16"),
        },
      ],
      [
        7,
        { kind: "tensor", dtype: "F32", shape: [2], bytes: encodeNumbers(numbers.single, "F32") },
      ],
    ]),
  ],
  [
    "ids",
    { kind: "tensor", dtype: "I64", shape: [1, 2], bytes: encodeNumbers(numbers.long, "I64") },
  ],
  ["source_layers", [0, 7]],
  ["n", 2 ** 40],
  ["rate", 0.125],
  ["name", "é"],
  ["flags", [true, false, null, -5]],
]);

async function bytesOf(written: TorchToWrite): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of torchChunks(written)) pieces.push(piece.slice());
  return new Uint8Array(Buffer.concat(pieces));
}

test("what is written is read back, with every kind of value", async () => {
  const bytes = await bytesOf(value);
  const { value: back, read } = await openTorch(memorySource(bytes));
  const plain = async (one: TorchValue): Promise<unknown> => {
    if (isTorchTensor(one))
      return [one.dtype, one.shape, [...decodeNumbers(await read(one), "f64")]];
    if (Array.isArray(one)) return await Promise.all(one.map(plain));
    if (!(one instanceof Map)) return one;
    return await Promise.all([...one].map(async ([key, inner]) => [key, await plain(inner)]));
  };
  expect(await plain(back)).toEqual([
    [
      "J",
      [
        [0, ["F16", [2, 3], numbers.half]],
        [7, ["F32", [2], [...Float32Array.from(numbers.single)]]],
      ],
    ],
    ["ids", ["I64", [1, 2], numbers.long]],
    ["source_layers", [0, 7]],
    ["n", 2 ** 40],
    ["rate", 0.125],
    ["name", "é"],
    ["flags", [true, false, null, -5]],
  ]);
  expect(Buffer.compare(await bytesOf(value), bytes)).toBe(0);
});

/** What torch.load does, without torch: Python's own reader of zip, which checks sums, and of pickles. */
const READER = `
import io, json, pickle, struct, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
for entry in archive.infolist():
    head = archive.fp
    head.seek(entry.header_offset + 26)
    name, extra = struct.unpack("<HH", head.read(4))
    assert (entry.header_offset + 30 + name + extra) % 64 == 0, entry.filename
class Named:
    def __init__(self, path): self.path = path
    def __call__(self, *args): return [self.path, *args]
class Reader(pickle.Unpickler):
    def find_class(self, module, name): return Named(module + "." + name)
    def persistent_load(self, id):
        kind, storage, key, device, count = id
        return [kind, storage.path, len(archive.read("archive/data/" + key)), device, count]
data = Reader(io.BytesIO(archive.read("archive/data.pkl"))).load()
print(json.dumps([sorted(archive.namelist()), [[k, v] for k, v in data["J"].items()], data["n"], data["rate"], data["flags"]]))
`;

test.skipIf(!existsSync(python))(
  `Python's zip and pickle read it, and find what torch puts there (skipped where there is no ${python})`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "torch-"));
    try {
      const file = join(folder, "lens.pt");
      writeFileSync(file, await bytesOf(value));
      const { stdout, stderr } = spawnSync(python, ["-c", READER, file], { encoding: "utf8" });
      expect(stderr).toBe("");
      const rebuilt = (storage: string, bytes: number, shape: number[], strides: number[]) => {
        const count = shape.reduce((a, b) => a * b);
        return [
          "torch._utils._rebuild_tensor_v2",
          ...[["storage", `torch.${storage}`, bytes, "cpu", count], 0, shape, strides, false],
          ["collections.OrderedDict"],
        ];
      };
      expect(JSON.parse(stdout)).toEqual([
        [
          ...["archive/byteorder", "archive/data.pkl", "archive/data/0", "archive/data/1"],
          ...["archive/data/2", "archive/version"],
        ],
        [
          [0, rebuilt("HalfStorage", 12, [2, 3], [3, 1])],
          [7, rebuilt("FloatStorage", 8, [2], [1])],
        ],
        ...[2 ** 40, 0.125, [true, false, null, -5]],
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

test("bytes that are not a tensor's are refused", async () => {
  const short: TorchToWrite = {
    kind: "tensor",
    dtype: "F32",
    shape: [3],
    bytes: new Uint8Array(8),
  };
  expect(await codeOf(() => bytesOf(short))).toBe("weights/size-mismatch");
});
