import { drawing, isInputError } from "@resolvent/tensor";
import { mutated } from "@resolvent/testkit";
import { float32Bytes, npyOf, torchOf, zipOf } from "@resolvent/testkit/archives";
import { expect, test } from "vitest";
import { MAX_DEFLATE_RATIO } from "../src/limits.ts";
import { openNpz } from "../src/npz/index.ts";
import { isTorchTensor, openTorch } from "../src/torch/index.ts";
import { counted } from "./make.ts";

/** How many files are tried: few here, a million by `npm run fuzz`. */
const COUNT = Number(process.env.RESOLVENT_FUZZ ?? 6000);

const numbers = Array.from({ length: 12 }, (_, i) => i / 4);
const tensor = { storage: "FloatStorage", bytes: float32Bytes(numbers), count: 12, shape: [3, 4] };
const array = npyOf({ descr: "'<f4'", shape: "(3, 4)" }, float32Bytes(numbers));
const columns = npyOf({ descr: "'<f4'", shape: "(3, 4)", fortran: true }, float32Bytes(numbers));
const files = (deflated: boolean) =>
  [array, columns].map((bytes, i) => ({ name: `${i}.npy`, bytes, deflated }));

const torch = torchOf({ W: tensor, turned: { ...tensor, shape: [4, 3], strides: [1, 4] } });
const kinds = [
  ["torch", torch],
  ["torch", torchOf({ W: tensor }, { zip64: true })],
  ["npz", zipOf(files(false))],
  ["npz", zipOf(files(true))],
  ["npz", zipOf(files(true), { zip64: true, comment: "made for tests" })],
] as const;

/**
 * Opens a file and reads all of it. What comes out is an InputError or tensors of no more bytes than the file can hold;
 * `counted` fails the test where a byte outside the file is asked for.
 */
async function devour(kind: "torch" | "npz", bytes: Uint8Array): Promise<string> {
  const source = counted(bytes);
  const most = bytes.length * MAX_DEFLATE_RATIO;
  try {
    if (kind === "npz") {
      const archive = await openNpz(source);
      for (const name of archive.tensors.keys()) {
        expect((await archive.read(name)).bytes.length).toBeLessThanOrEqual(most);
      }
    } else {
      const { value, read } = await openTorch(source);
      const values = value instanceof Map ? [...value.values()] : [value];
      for (const one of values.filter(isTorchTensor)) {
        expect((await read(one)).bytes.length).toBeLessThanOrEqual(bytes.length);
      }
    }
    return "read";
  } catch (error) {
    if (!isInputError(error)) throw error;
    expect(error.code).toMatch(/^weights\/[a-z-]+$/);
    return error.code;
  }
}

test("the files that are changed below are in order", async () => {
  for (const [kind, bytes] of kinds) expect(await devour(kind, bytes)).toBe("read");
});

test(
  `${COUNT} changed archives: errors with a name, or tensors`,
  async () => {
    const seen = new Map<string, number>();
    for (let i = 0; i < COUNT; i++) {
      const [kind, bytes] = kinds[i % kinds.length] ?? kinds[0];
      const draw = drawing(i);
      let file: Uint8Array = bytes;
      for (let times = 0; times < 1 + Math.floor(draw() * 3) && file.length > 0; times++)
        file = mutated(file, draw);
      let outcome: string;
      try {
        outcome = await devour(kind, file);
      } catch (cause) {
        throw new Error(`${kind}, seed ${i}`, { cause });
      }
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    }
    // A fuzzer that never gets past the first check would find nothing.
    expect([...seen.keys()]).toEqual(
      expect.arrayContaining([
        "read",
        "weights/bad-zip",
        "weights/unsupported-zip",
        "weights/bad-pickle",
        "weights/pickle-global",
        "weights/bad-npy",
        "weights/unsupported-dtype",
        "weights/size-mismatch",
      ]),
    );
  },
  Math.max(120_000, COUNT * 20),
);
