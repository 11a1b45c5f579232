import { describeWithFixtures } from "@resolvent/testkit";
import { float32Bytes, npyOf, zipOf } from "@resolvent/testkit/archives";
import { describe, expect, test } from "vitest";
import { decodeNumbers, memorySource } from "../src/index.ts";
import { fileSource } from "../src/node/index.ts";
import { openNpz } from "../src/npz/index.ts";
import { codeOf, counted } from "./make.ts";

const npz = (
  files: Readonly<Record<string, Uint8Array>>,
  deflated = false,
): Uint8Array<ArrayBuffer> =>
  zipOf(Object.entries(files).map(([name, bytes]) => ({ name: `${name}.npy`, bytes, deflated })));

const rows = float32Bytes([1, 2, 3, 4, 5, 6]);

describe.each([
  ["stored", false],
  ["deflated", true],
])("arrays that are %s", (_, deflated) => {
  test("in both orders, of all ranks, of both versions", async () => {
    const file = npz(
      {
        rows: npyOf({ descr: "'<f4'", shape: "(2, 3)" }, rows),
        columns: npyOf({ descr: "'<f4'", shape: "(3, 2)", fortran: true, version: 2 }, rows),
        cube: npyOf(
          { descr: "'|u1'", shape: "(2, 2, 2)", fortran: true },
          Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7),
        ),
        scalar: npyOf({ descr: "'<i8'", shape: "()" }, Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0)),
        one: npyOf(
          { descr: "'<f2'", shape: "(2,)", fortran: true },
          Uint8Array.of(0, 0x3c, 0, 0xbc),
        ),
        none: npyOf({ descr: "'<f8'", shape: "(0, 4)" }, new Uint8Array(0)),
        truth: npyOf({ descr: "'|b1'", shape: "(2,)" }, Uint8Array.of(1, 0)),
      },
      deflated,
    );
    const archive = await openNpz(memorySource(file));
    const numbers = async (name: string): Promise<number[]> => [
      ...decodeNumbers(await archive.read(name), "f64"),
    ];
    expect(await numbers("rows")).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await numbers("columns")).toEqual([1, 4, 2, 5, 3, 6]); // the first axis was fastest
    // Entry (i, j, k) was at i + 2j + 4k.
    expect(await numbers("cube")).toEqual([0, 4, 2, 6, 1, 5, 3, 7]);
    expect(await numbers("scalar")).toEqual([5]);
    expect(await numbers("one")).toEqual([1, -1]);
    expect(await numbers("none")).toEqual([]);
    expect(await numbers("truth")).toEqual([1, 0]);
    expect(archive.tensors.get("scalar")?.shape).toEqual([]);
    expect(archive.tensors.get("none")?.shape).toEqual([0, 4]);
    expect(await codeOf(() => archive.read("row"))).toBe("weights/no-tensor");
  });
});

test("nothing but headers is read before it is asked for", async () => {
  const data = new Uint8Array(400_000);
  const source = counted(npz({ large: npyOf({ descr: "'|u1'", shape: "(400000,)" }, data) }));
  await openNpz(source);
  expect(source.asked.reduce((sum, [start, end]) => sum + end - start, 0)).toBeLessThan(500);
});

describe("what is refused, and how it is called", () => {
  const code = async (file: Uint8Array): Promise<string> =>
    await codeOf(() => openNpz(memorySource(npz({ x: file }))));

  test.each([
    ["objects, which are pickles", "'|O'", "(1,)", "weights/unsupported-dtype"],
    ["big-endian numbers", "'>f4'", "(1,)", "weights/unsupported-dtype"],
    ["complex numbers", "'<c8'", "(1,)", "weights/unsupported-dtype"],
    ["records", "[('a', '<f4')]", "(1,)", "weights/unsupported-dtype"],
    ["a shape that is larger than the data", "'<f4'", "(2, 3)", "weights/size-mismatch"],
    [
      "a shape beyond all numbers",
      "'<f4'",
      "(9007199254740991, 9007199254740991)",
      "weights/size-mismatch",
    ],
    ["a shape of no numbers", "'<f4'", "(1, )L", "weights/bad-npy"],
    ["code in place of a shape", "'<f4'", "(print(1),)", "weights/bad-npy"],
  ])("%s", async (_, descr, shape, expected) => {
    expect(await code(npyOf({ descr, shape }, new Uint8Array(4)))).toBe(expected);
  });

  test("files that are no arrays", async () => {
    expect(await code(new TextEncoder().encode("hello, this is no array"))).toBe("weights/bad-npy");
    expect(await code(new Uint8Array(3))).toBe("weights/bad-npy");
    const long = npyOf({ descr: "'<f4'", shape: "(1,)" }, new Uint8Array(4));
    long[8] = 0xff; // a header beyond the end
    expect(await code(long)).toBe("weights/bad-npy");
    const version = npyOf({ descr: "'<f4'", shape: "(1,)" }, new Uint8Array(4));
    version[6] = 9;
    expect(await code(version)).toBe("weights/bad-npy");
  });

  test("two arrays of one name", async () => {
    const array = npyOf({ descr: "'<f4'", shape: "(1,)" }, new Uint8Array(4));
    const file = zipOf(["x", "x.npy"].map((name) => ({ name, bytes: array })));
    expect(await codeOf(() => openNpz(memorySource(file)))).toBe("weights/bad-zip");
  });
});

describeWithFixtures("files that numpy has written", (fixtures) => {
  test("stored, and deflated with a matrix in Fortran's order", async () => {
    const folder = "fixtures/dictionaries/gemma-scope";
    for (const [path, layers] of [
      [`${folder}/layer_1/width_16/average_l0_3/params.npz`, 1],
      [`${folder}/layer_2/width_16/average_l0_4/params.npz`, 2],
    ] as const) {
      const archive = await openNpz(fileSource(fixtures.path(path)));
      expect([...archive.tensors.keys()].sort()).toEqual([
        "W_dec",
        "W_enc",
        "b_dec",
        "b_enc",
        "threshold",
      ]);
      expect(archive.tensors.get("W_enc")?.shape, `layer ${layers}`).toEqual([8, 12]);
      const values = decodeNumbers(await archive.read("W_enc"), "f64");
      // Multiples of 1/64, as the fixtures say.
      expect(values.every((value) => Number.isInteger(value * 64))).toBe(true);
    }
  });
});
