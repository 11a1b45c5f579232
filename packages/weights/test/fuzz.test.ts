import { isInputError } from "@resolvent/tensor";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  DTYPES,
  decodeNumbers,
  encodeNumbers,
  memoryFolder,
  openCheckpoint,
  openSafetensors,
  readTensor,
  writeSafetensors,
} from "../src/index.ts";
import { counted, rawFile } from "./make.ts";

const valid = await writeSafetensors(
  DTYPES.map((dtype, i) => ({
    name: `layer.${i}`,
    dtype,
    shape: [2, 1],
    bytes: encodeNumbers([0, 1], dtype),
  })),
  { metadata: { format: "pt" } },
);

/**
 * Opens and reads everything. Either all is in order, with every byte of the file read once, or an InputError
 * comes out; `counted` fails the test where a byte outside the file is asked for.
 */
async function devour(bytes: Uint8Array): Promise<string> {
  const source = counted(bytes);
  const total = () => source.asked.reduce((sum, [start, end]) => sum + end - start, 0);
  try {
    const file = await openSafetensors(source);
    for (const name of file.tensors.keys()) await readTensor(file, name);
    expect(total()).toBe(bytes.length);
    for (const name of file.tensors.keys()) decodeNumbers(await readTensor(file, name), "f64");
    return "read";
  } catch (error) {
    if (!isInputError(error)) throw error;
    expect(error.code).toMatch(/^weights\/[a-z-]+$/);
    expect(total()).toBeLessThanOrEqual(2 * bytes.length);
    return error.code;
  }
}

/** Runs the property and gives the outcomes, so that a fuzzer that never gets past the first check is noticed. */
async function outcomes(
  files: fc.Arbitrary<Uint8Array>,
  seed: number,
  numRuns: number,
): Promise<Set<string>> {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(files, async (bytes) => {
      seen.add(await devour(bytes));
    }),
    { seed, numRuns },
  );
  return seen;
}

test("the file that is mutated below is in order", async () => {
  expect(await devour(valid)).toBe("read");
});

test("a valid file with bytes changed", async () => {
  const change = fc.tuple(
    fc.integer({ min: 0, max: valid.length - 1 }),
    fc.integer({ min: 0, max: 255 }),
  );
  const files = fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    const bytes = valid.slice();
    for (const [at, byte] of changes) bytes[at] = byte;
    return bytes;
  });
  const seen = await outcomes(files, 4, 5000);
  expect([...seen]).toEqual(
    expect.arrayContaining([
      "read",
      "weights/bad-header",
      "weights/size-mismatch",
      "weights/unsupported-dtype",
      "weights/header-too-large",
    ]),
  );
});

test("a valid file with a digit changed in its header", async () => {
  const digits = [...valid.keys()].filter(
    (i) => i >= 8 && /\d/.test(String.fromCharCode(valid[i] ?? 0)),
  );
  const change = fc.tuple(fc.constantFrom(...digits), fc.integer({ min: 0x30, max: 0x39 }));
  const files = fc.array(change, { minLength: 1, maxLength: 6 }).map((changes) => {
    const bytes = valid.slice();
    for (const [at, byte] of changes) bytes[at] = byte;
    return bytes;
  });
  const seen = await outcomes(files, 5, 3000);
  expect([...seen]).toEqual(
    expect.arrayContaining([
      "weights/bad-offsets",
      "weights/size-mismatch",
      "weights/duplicate-name",
    ]),
  );
});

test("a valid file cut short, and with bytes put in or taken out", async () => {
  for (let length = 0; length < valid.length; length++) {
    const code = await devour(valid.subarray(0, length));
    expect(code, `cut to ${length}`).toBe("weights/truncated");
  }
  const files = fc
    .tuple(fc.nat(valid.length), fc.nat(20), fc.uint8Array({ maxLength: 20 }))
    .map(([at, gone, put]) =>
      Uint8Array.of(...valid.subarray(0, at), ...put, ...valid.subarray(at + gone)),
    );
  expect((await outcomes(files, 6, 2000)).size).toBeGreaterThan(3);
});

const number = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 16 }) },
  fc.constantFrom(
    -1,
    0.5,
    2 ** 32,
    2 ** 53,
    2 ** 53 - 1,
    2 ** 64,
    1e308,
    Number.NaN,
    "8",
    null,
    [8],
  ),
);
const name = fc.oneof(
  fc.constantFrom("a", "b", "__proto__", "constructor", "__metadata__", "", "0"),
  fc.string(),
);
const field = fc.oneof(
  { weight: 9, arbitrary: fc.constant(undefined) },
  fc.jsonValue({ maxDepth: 4 }),
);
const size = fc.constantFrom(0, 1, 2, 4, 8, 16);

test("random headers, nearly right", async () => {
  // Tensors laid out one after the other, with a field replaced now and then.
  const tensor = fc.tuple(
    name,
    fc.constantFrom(...DTYPES, "F8"),
    fc.array(fc.nat(3), { maxLength: 3 }),
    field,
    field,
    fc.option(number, { freq: 20 }),
  );
  const files = fc.tuple(fc.array(tensor, { maxLength: 6 }), size).map(([tensors, more]) => {
    let at = 0;
    const entries = tensors.map(([key, dtype, shape, badShape, badOffsets, badNumber]) => {
      const bytes = shape.reduce(
        (product, entry) => product * entry,
        Number(/\d+$/.exec(dtype)?.[0] ?? 8) / 8,
      );
      const info = {
        dtype,
        shape: badShape ?? shape,
        data_offsets: badOffsets ?? [at, badNumber ?? at + bytes],
      };
      at += bytes;
      return `${JSON.stringify(key)}:${JSON.stringify(info)}`;
    });
    return rawFile(`{${entries.join(",")}}`, at + (more > 8 ? 1 : 0));
  });
  const seen = await outcomes(files, 7, 4000);
  expect([...seen]).toEqual(
    expect.arrayContaining([
      "read",
      "weights/duplicate-name",
      "weights/gap",
      "weights/bad-shape",
      "weights/bad-offsets",
      "weights/bad-header",
      "weights/unsupported-dtype",
      "weights/size-mismatch",
    ]),
  );
});

test("random headers, at large", async () => {
  const anything = fc.oneof(
    fc.json({ maxDepth: 6 }),
    fc.string(),
    fc.json().map((text) => text.slice(1)),
  );
  await outcomes(
    fc.tuple(anything, size).map(([text, data]) => rawFile(text, data)),
    8,
    2000,
  );
  await outcomes(fc.uint8Array({ maxLength: 200 }), 9, 2000);
});

test("random indexes", async () => {
  const target = fc.oneof(
    fc.constantFrom("1", "2", "..", "a/b"),
    fc.string(),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const index = fc.oneof(
    fc.json({ maxDepth: 20 }),
    fc.dictionary(name, target).map((map) => JSON.stringify({ weight_map: map })),
  );
  await fc.assert(
    fc.asyncProperty(index, fc.uint8Array({ maxLength: 30 }), async (text, rubbish) => {
      const asked: string[] = [];
      const inner = memoryFolder(
        new Map([
          ["1", valid],
          ["2", rubbish],
          ["model.safetensors.index.json", new TextEncoder().encode(text)],
        ]),
      );
      try {
        await openCheckpoint({
          name: "fuzz",
          open: (file) => {
            asked.push(file);
            return inner.open(file);
          },
        });
      } catch (error) {
        if (!isInputError(error)) throw error;
      }
      expect(asked.filter((file) => /[/\\]|^\.*$/.test(file))).toEqual([]);
    }),
    { seed: 10, numRuns: 1000 },
  );
});
