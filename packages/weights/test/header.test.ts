import { describe, expect, test } from "vitest";
import { memorySource, openSafetensors, readTensor } from "../src/index.ts";
import { codeOf, counted, rawFile } from "./make.ts";

const open = (header: string | Uint8Array, data: Uint8Array | number = 0) =>
  openSafetensors(memorySource(rawFile(header, data)));

/** A header with one tensor called "a". */
const one = (dtype: unknown, shape: unknown, offsets: unknown) =>
  JSON.stringify({ a: { dtype, shape, data_offsets: offsets } });

describe("what is well formed", () => {
  test("tensors in the order of their bytes, places counted from the start of the file", async () => {
    const header =
      '{"b":{"dtype":"I32","shape":[1,2],"data_offsets":[2,10]},"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[],"data_offsets":[0,2]}}  ';
    const file = await open(header, 10);
    const start = 8 + header.length;
    expect([...file.tensors]).toEqual([
      ["a", { dtype: "BF16", shape: [], start, end: start + 2 }],
      ["b", { dtype: "I32", shape: [1, 2], start: start + 2, end: start + 10 }],
    ]);
    expect({ ...file.metadata }).toEqual({ format: "pt" });
  });

  test("nothing but length and header is read before a tensor is asked for, then only that tensor", async () => {
    const header =
      '{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}}';
    const source = counted(rawFile(header, Uint8Array.of(1, 2, 3, 4, 5)));
    const file = await openSafetensors(source);
    const data = 8 + header.length;
    expect(source.asked).toEqual([
      [0, 8],
      [8, data],
    ]);
    expect((await readTensor(file, "b")).bytes).toEqual(Uint8Array.of(4, 5));
    expect(source.asked.slice(2)).toEqual([[data + 3, data + 5]]);
  });

  test("no tensors, empty tensors, escapes in names", async () => {
    expect((await open("{}")).tensors.size).toBe(0);
    const empty = await open(
      '{"a":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]},"\\u0062\\"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
      1,
    );
    expect([...empty.tensors.keys()]).toEqual(["a", 'b"']);
  });

  test("names and keys that objects have by themselves are names like any other", async () => {
    const info = (at: number) => `{"dtype":"U8","shape":[1],"data_offsets":[${at},${at + 1}]}`;
    const file = await open(
      `{"__proto__":${info(0)},"constructor":${info(1)},"0":${info(2)},"__metadata__":{"__proto__":"x"}}`,
      3,
    );
    expect([...file.tensors.keys()]).toEqual(["__proto__", "constructor", "0"]);
    expect(Object.keys(file.metadata)).toEqual(["__proto__"]);
    expect(file.metadata.toString).toBeUndefined();
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });

  test("an info whose fields hide in __proto__ has none", async () => {
    const header = '{"a":{"__proto__":{"dtype":"U8"}}}';
    expect(await codeOf(() => open(header))).toBe("weights/bad-header");
  });
});

const big = 2 ** 53;
const pair = (a: [number, number], b: [number, number]) =>
  `{"a":{"dtype":"U8","shape":[${a[1] - a[0]}],"data_offsets":[${a}]},"b":{"dtype":"U8","shape":[${b[1] - b[0]}],"data_offsets":[${b}]}}`;

test("metadata that are null are none, as to the library of the format", async () => {
  expect({ ...(await open('{"__metadata__":null}', 0)).metadata }).toEqual({});
});

describe("what is malformed has its own error", () => {
  test.each<[string, string, string | Uint8Array, number]>([
    ["weights/bad-header", "not JSON", '{"a":', 0],
    ["weights/bad-header", "empty", "", 0],
    ["weights/bad-header", "space first", " {}", 0],
    ["weights/bad-header", "a byte order mark", "\ufeff{}", 0],
    ["weights/bad-header", "an array", "[]", 0],
    ["weights/bad-header", "not UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), 0],
    ["weights/bad-header", "a tensor that is null", '{"a":null}', 0],
    ["weights/bad-header", "a tensor that is an array", '{"a":[]}', 0],
    ["weights/bad-header", "no dtype", '{"a":{"shape":[],"data_offsets":[0,0]}}', 0],
    ["weights/bad-header", "metadata that are no object", '{"__metadata__":[]}', 0],
    ["weights/bad-header", "metadata that are no text", '{"__metadata__":{"a":1}}', 0],
    ["weights/bad-header", "deep nesting", `{"a":${"[".repeat(100_000)}`, 0],
    ["weights/bad-header", "nesting of one level too many", one("U8", [[1]], [0, 1]), 1],
    ["weights/bad-header", "marks without end", `{"a":[${"{},".repeat(4_000_001)}`, 0],
    ["weights/duplicate-name", "a name twice", '{"a":{},"b":{},"a":{}}', 0],
    ["weights/duplicate-name", "a name twice, once escaped", '{"a":{},"\\u0061":{}}', 0],
    [
      "weights/duplicate-name",
      "a field twice",
      '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"dtype":"I8"}}',
      1,
    ],
    ["weights/too-many-tensors", "half a million and two", `{${'"":0,'.repeat(500_002)}}`, 0],
    ["weights/unsupported-dtype", "a dtype nobody knows", one("F7", [1], [0, 1]), 1],
    [
      "weights/unsupported-dtype",
      "a dtype of the format that is not read",
      one("F8_E4M3", [1], [0, 1]),
      1,
    ],
    ["weights/unsupported-dtype", "a name that objects have", one("constructor", [1], [0, 1]), 1],
    ["weights/bad-shape", "no shape", one("U8", undefined, [0, 1]), 1],
    ["weights/bad-shape", "negative", one("U8", [-1], [0, 1]), 1],
    [
      "weights/bad-shape",
      "minus zero",
      '{"a":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}}',
      0,
    ],
    ["weights/bad-shape", "fractional", one("U8", [0.5], [0, 1]), 1],
    ["weights/bad-shape", "text", one("U8", ["1"], [0, 1]), 1],
    ["weights/bad-shape", "2^53", one("U8", [big], [0, 1]), 1],
    [
      "weights/bad-shape",
      "infinite",
      '{"a":{"dtype":"U8","shape":[1e999],"data_offsets":[0,1]}}',
      1,
    ],
    ["weights/bad-shape", "65 axes", one("U8", Array(65).fill(1), [0, 1]), 1],
    ["weights/bad-offsets", "none", one("U8", [1], undefined), 1],
    ["weights/bad-offsets", "three", one("U8", [1], [0, 1, 2]), 1],
    ["weights/bad-offsets", "negative", one("U8", [1], [-1, 0]), 1],
    ["weights/bad-offsets", "fractional", one("U8", [1], [0, 1.5]), 1],
    ["weights/bad-offsets", "end before start", one("U8", [1], [2, 1]), 2],
    ["weights/bad-offsets", "2^53", one("U8", [1], [0, big]), 1],
    [
      "weights/bad-offsets",
      "2^53 − 1, beyond which the header reaches",
      one("U8", [big - 1], [0, big - 1]),
      1,
    ],
    ["weights/bad-offsets", "far outside the file", one("U8", [1], [1000, 1001]), 1],
    ["weights/size-mismatch", "one byte short", one("F32", [2], [0, 7]), 7],
    ["weights/size-mismatch", "a scalar of no bytes", one("U8", [], [0, 0]), 0],
    ["weights/size-mismatch", "a product above 2^53", one("U8", [2 ** 30, 2 ** 30], [0, 1]), 1],
    [
      "weights/size-mismatch",
      "a product that wraps to 1 in 64 bits",
      one("U8", [2 ** 33, 2 ** 33, 0], [0, 0]),
      0,
    ],
    ["weights/overlap", "one byte shared", pair([0, 3], [2, 4]), 4],
    ["weights/overlap", "all bytes shared", pair([0, 3], [0, 3]), 3],
    ["weights/gap", "a hole at the start", pair([1, 2], [2, 3]), 3],
    ["weights/gap", "a hole between", pair([0, 1], [2, 3]), 3],
    ["weights/gap", "bytes at the end", pair([0, 1], [1, 2]), 3],
    ["weights/truncated", "data end early", pair([0, 1], [1, 20]), 3],
  ])("%s: %s", async (code, _what, header, data) => {
    expect(await codeOf(() => open(header, data))).toBe(code);
  });

  test("a text of marks alone is refused before it is parsed, which would take many times its size", async () => {
    const tooMany = `{"a":[${"{},".repeat(4_000_001)}{}]}`;
    await expect(open(tooMany)).rejects.toThrow(
      "has more than 8000000 brackets, commas and colons",
    );
    const tooDeep = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    await expect(open(tooDeep)).rejects.toThrow("is nested deeper than 3");
  });

  test("weights/truncated: shorter than the length, shorter than the header", async () => {
    expect(await codeOf(() => openSafetensors(memorySource(new Uint8Array(7))))).toBe(
      "weights/truncated",
    );
    const file = rawFile("{}          ").subarray(0, 15);
    expect(await codeOf(() => openSafetensors(memorySource(file)))).toBe("weights/truncated");
  });

  test.each([100_000_001n, 2n ** 63n, 2n ** 64n - 1n])(
    "weights/header-too-large: %d bytes, of which none is read",
    async (claimed) => {
      const bytes = rawFile("{}");
      new DataView(bytes.buffer).setBigUint64(0, claimed, true);
      const source = counted(bytes);
      expect(await codeOf(() => openSafetensors(source))).toBe("weights/header-too-large");
      expect(source.asked).toEqual([[0, 8]]);
    },
  );

  test("weights/no-tensor, with the names that come nearest", async () => {
    const file = await open(
      pair([0, 1], [1, 2])
        .replace('"a"', '"transformer.wte.weight"')
        .replace('"b"', '"ln_f.weight"'),
      2,
    );
    const missing = (name: string) => readTensor(file, name);
    await expect(missing("wte.weight")).rejects.toThrow('Did you mean "transformer.wte.weight"?');
    await expect(missing("ln_f.wieght")).rejects.toThrow('Did you mean "ln_f.weight"?');
    await expect(missing("x")).rejects.toThrow("List the names");
    expect(await codeOf(() => missing("__proto__"))).toBe("weights/no-tensor");
  });

  test("messages carry the file, the tensor and both numbers", async () => {
    const file = memorySource(rawFile(one("F32", [2], [0, 7]), 7), "model.safetensors");
    await expect(openSafetensors(file)).rejects.toThrow(
      'model.safetensors: tensor "a" is F32 [2], which takes 8 bytes; its offsets span 7.',
    );
    await expect(open('{"a":{},"b":{"x":1,"x":2}}')).rejects.toThrow('the header has "x" twice');
  });
});

test("a source that gives less than it promised is found out", async () => {
  const whole = memorySource(rawFile(one("U8", [4], [0, 4]), 4));
  const file = await openSafetensors({
    ...whole,
    read: async (s, e) => (await whole.read(s, e)).subarray(0, s > 8 ? 1 : undefined),
  });
  expect(await codeOf(() => readTensor(file, "a"))).toBe("weights/truncated");
  expect(await codeOf(() => openSafetensors({ ...whole, size: async () => Number.NaN }))).toBe(
    "weights/bad-size",
  );
  expect(await codeOf(() => whole.read(3, 1))).toBe("weights/bad-range");
});

test("an aborted signal stops the reading", async () => {
  const bytes = memorySource(rawFile("{}"));
  const reason = new Error("enough");
  await expect(openSafetensors(bytes, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
