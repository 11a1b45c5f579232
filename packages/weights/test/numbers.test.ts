import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bytesPerEntry,
  type Dtype,
  decodeInto,
  decodeNumbers,
  encodeNumbers,
} from "../src/index.ts";
import { codeOf, hex } from "./make.ts";

const raw = (dtype: Dtype, bytes: Uint8Array) => ({
  dtype,
  shape: [bytes.length / bytesPerEntry(dtype)],
  bytes,
});

test("the bytes of each dtype, by hand", () => {
  const bytes = (values: number[], dtype: Dtype) => hex(encodeNumbers(values, dtype));
  expect(bytes([1, -2], "F64")).toBe("000000000000f03f00000000000000c0");
  expect(bytes([1, -2], "F32")).toBe("0000803f000000c0");
  expect(bytes([1, -2], "F16")).toBe("003c00c0");
  expect(bytes([1, -2], "BF16")).toBe("803f00c0");
  expect(bytes([1, -2], "I64")).toBe("0100000000000000feffffffffffffff");
  expect(bytes([1, 2 ** 40], "U64")).toBe("01000000000000000000000000010000");
  expect(bytes([1, -2], "I32")).toBe("01000000feffffff");
  expect(bytes([1, 2 ** 32 - 1], "U32")).toBe("01000000ffffffff");
  expect(bytes([1, -2], "I16")).toBe("0100feff");
  expect(bytes([1, 65535], "U16")).toBe("0100ffff");
  expect(bytes([1, -2], "I8")).toBe("01fe");
  expect(bytes([1, 255], "U8")).toBe("01ff");
  expect(bytes([1, 0], "BOOL")).toBe("0100");
});

describe("there and back (property)", () => {
  const whole = (min: number, max: number) =>
    fc.array(fc.maxSafeInteger().map((x) => Math.min(max, Math.max(min, x))));
  const cases: [Dtype, fc.Arbitrary<number[]>][] = [
    ["F64", fc.array(fc.double())],
    ["F32", fc.array(fc.float())],
    ["F16", fc.array(fc.integer({ min: -2048, max: 2048 }))],
    ["BF16", fc.array(fc.integer({ min: -256, max: 256 }))],
    ["I64", fc.array(fc.maxSafeInteger())],
    ["U64", fc.array(fc.maxSafeNat())],
    ["I32", whole(-(2 ** 31), 2 ** 31 - 1)],
    ["U32", whole(0, 2 ** 32 - 1)],
    ["I16", whole(-32768, 32767)],
    ["U16", whole(0, 65535)],
    ["I8", whole(-128, 127)],
    ["U8", whole(0, 255)],
    ["BOOL", whole(0, 1)],
  ];
  test.each(cases)("%s, at any offset in memory", (dtype, values) => {
    const isWhole = !dtype.includes("F");
    fc.assert(
      fc.property(values, fc.integer({ min: 0, max: 9 }), (numbers, offset) => {
        const encoded = encodeNumbers(numbers, dtype);
        const moved = new Uint8Array(encoded.length + offset);
        moved.set(encoded, offset);
        const back = [...decodeNumbers(raw(dtype, moved.subarray(offset)), "f64")];
        // Whole numbers have one zero.
        expect(back).toEqual(isWhole ? numbers.map((x) => x + 0) : numbers);
      }),
      { seed: 2 },
    );
  });
});

test("64-bit whole numbers beyond 2^53 − 1 are refused, with the value", () => {
  const bytes = new Uint8Array(BigInt64Array.of(1n, 2n ** 53n).buffer);
  expect(() => decodeNumbers(raw("I64", bytes), "f64", "ids")).toThrow(
    expect.objectContaining({
      code: "weights/inexact",
      details: expect.objectContaining({ index: 1, value: 2n ** 53n }),
    }),
  );
  const edge = new Uint8Array(BigInt64Array.of(2n ** 53n - 1n, -(2n ** 53n) + 1n, -1n).buffer);
  expect([...decodeNumbers(raw("I64", edge), "f64")]).toEqual([2 ** 53 - 1, -(2 ** 53) + 1, -1]);
  const low = new Uint8Array(BigInt64Array.of(-(2n ** 63n)).buffer);
  expect(() => decodeNumbers(raw("I64", low), "f64")).toThrow("-9223372036854775808");
  const high = new Uint8Array(BigUint64Array.of(2n ** 64n - 1n).buffer);
  expect(() => decodeNumbers(raw("U64", high), "f64")).toThrow("18446744073709551615");
});

test("f32: floats are rounded, whole numbers never, and nothing becomes infinite", async () => {
  const f32 = (values: number[], dtype: Dtype) =>
    decodeNumbers(raw(dtype, encodeNumbers(values, dtype)), "f32");
  expect([...f32([0.1, Number.NaN, -Infinity], "F64")]).toEqual([
    Math.fround(0.1),
    Number.NaN,
    -Infinity,
  ]);
  expect(await codeOf(() => f32([1, 1e39], "F64"))).toBe("weights/overflow");
  expect([...f32([2 ** 24, -5], "I32")]).toEqual([2 ** 24, -5]);
  expect(await codeOf(() => f32([2 ** 24 + 1], "I32"))).toBe("weights/inexact");
  expect(await codeOf(() => f32([2 ** 24 + 1], "I64"))).toBe("weights/inexact");
});

test("bytes that are not as many as the shape needs", async () => {
  const tensor = { dtype: "F32" as const, shape: [2], bytes: new Uint8Array(7) };
  expect(await codeOf(() => decodeNumbers(tensor, "f32"))).toBe("weights/size-mismatch");
});

test("a BOOL is 0 or 1", async () => {
  expect([...decodeNumbers(raw("BOOL", Uint8Array.of(0, 1)), "f32")]).toEqual([0, 1]);
  expect(await codeOf(() => decodeNumbers(raw("BOOL", Uint8Array.of(0, 2)), "f32"))).toBe(
    "weights/bad-bool",
  );
});

test("F32 and F64 that lie straight in memory are not copied", () => {
  const bytes = encodeNumbers([1, 2, 3], "F32");
  expect(decodeNumbers(raw("F32", bytes), "f32").buffer).toBe(bytes.buffer);
});

test.each<[number, Dtype, string]>([
  [65520, "F16", "weights/overflow"],
  [3.39e38, "BF16", "none"],
  [3.4e38, "BF16", "weights/overflow"],
  [-1e39, "F32", "weights/overflow"],
  [Infinity, "F16", "none"],
  [1.5, "I32", "weights/inexact"],
  [2 ** 31, "I32", "weights/inexact"],
  [2 ** 53, "I64", "weights/inexact"],
  [-1, "U8", "weights/inexact"],
  [Number.NaN, "I64", "weights/inexact"],
  [2, "BOOL", "weights/inexact"],
])("writing %d as %s: %s", async (value, dtype, code) => {
  expect(await codeOf(() => encodeNumbers([0, value], dtype))).toBe(code);
});

describe("decodeInto", () => {
  const of = (dtype: Dtype, values: number[]) => raw(dtype, encodeNumbers(values, dtype));

  test.each(["F64", "F32", "F16", "BF16", "I32", "U8"] as const)(
    "%s into memory at hand is decodeNumbers",
    (dtype) => {
      const tensor = of(dtype, [0, 1, 2, 96]);
      for (const precision of ["f32", "f64"] as const) {
        const Numbers = precision === "f32" ? Float32Array : Float64Array;
        const room = new Numbers(6).fill(7);
        decodeInto(tensor, room.subarray(1, 5));
        expect([...room]).toEqual([7, ...decodeNumbers(tensor, precision), 7]);
      }
    },
  );

  test("halves at an odd address, and shared memory", () => {
    const { bytes, ...rest } = of("BF16", [1.5, -2]);
    const odd = new Uint8Array(5);
    odd.set(bytes, 1);
    const shared = new Float32Array(new SharedArrayBuffer(8));
    decodeInto({ ...rest, bytes: odd.subarray(1) }, shared);
    expect([...shared]).toEqual([1.5, -2]);
  });

  test("room of another size is refused", () => {
    expect(() => decodeInto(of("F16", [1, 2]), new Float32Array(3))).toThrow(
      expect.objectContaining({ code: "weights/size-mismatch" }),
    );
  });
});
