import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { checkpointSha256 as pureSha256 } from "../src/hash.ts";
import {
  type ByteSource,
  blobSource,
  memoryFolder,
  memorySource,
  openCheckpoint,
  openSafetensors,
  type TensorToWrite,
  writeSafetensors,
} from "../src/index.ts";
import {
  checkpointSha256,
  fileSource,
  folderOf,
  makeFolder,
  writeSafetensorsFile,
} from "../src/node/index.ts";
import { codeOf } from "./make.ts";

const folder = await mkdtemp(join(tmpdir(), "resolvent-weights-"));
afterAll(() => rm(folder, { recursive: true }));
let count = 0;
const fresh = (): string => join(folder, `${count++}.safetensors`);

const tensors = (values: number[]): TensorToWrite[] => [
  { name: "a", dtype: "U8", shape: [values.length], bytes: Uint8Array.from(values) },
];
const one = await writeSafetensors(tensors([1, 2, 3]));
const two = await writeSafetensors(tensors([4, 5, 6]));

async function stored(bytes: Uint8Array): Promise<string> {
  const path = fresh();
  await writeFile(path, bytes);
  return path;
}

const openHandles = async (): Promise<number> =>
  (await readdir("/proc/self/fd").catch(() => [])).length;

describe("sources of the same bytes say the same", () => {
  test.each<[string, () => Promise<ByteSource>]>([
    ["memory", async () => memorySource(one)],
    ["Blob", async () => blobSource(new Blob([new Uint8Array(one)]))],
    ["file", async () => fileSource(await stored(one))],
  ])("%s", async (_name, make) => {
    const source = await make();
    expect(await source.size()).toBe(one.length);
    expect(await source.read(3, 20)).toEqual(one.slice(3, 20));
    expect(await source.read(5, 5)).toEqual(new Uint8Array(0));
    const mine = await source.read(0, 8);
    mine.fill(0);
    expect(await source.read(0, 8)).toEqual(one.slice(0, 8));
    for (const [start, end] of [
      [-1, 2],
      [2, 1],
      [0, one.length + 1],
      [0.5, 1],
      [0, Number.NaN],
    ] as const) {
      expect(await codeOf(() => source.read(start, end))).toBe("weights/bad-range");
    }
    const reason = new Error("enough");
    await expect(source.read(0, 8, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe("a file", () => {
  test("is closed after each read, also one that fails", async () => {
    const source = fileSource(await stored(one));
    await source.read(0, 1);
    const before = await openHandles();
    await Promise.all(Array.from({ length: 20 }, () => source.read(0, 8)));
    await codeOf(() => source.read(0, 10_000));
    expect(await openHandles()).toBe(before);
  });

  test("is read where it is asked for, however far that is", async () => {
    const path = fresh();
    await writeFile(path, "");
    await truncate(path, 2 ** 40); // holes take no room
    const source = fileSource(path);
    expect(await source.size()).toBe(2 ** 40);
    expect(await source.read(2 ** 40 - 4, 2 ** 40)).toEqual(new Uint8Array(4));
    expect(await codeOf(() => openSafetensors(source))).toBe("weights/bad-header");
  });

  test.each(["replaced", "written over", "cut short"])(
    "weights/source-changed: %s",
    async (how) => {
      const path = await stored(one);
      const source = fileSource(path);
      await source.size();
      if (how === "replaced") await rename(await stored(two), path);
      if (how === "written over") await writeFile(path, two);
      if (how === "cut short") await truncate(path, 5);
      expect(await codeOf(() => source.readInto?.(0, new Uint8Array(4)))).toBe(
        "weights/source-changed",
      );
      expect(await codeOf(() => source.read(0, 4))).toBe("weights/source-changed");
    },
  );

  test("weights/no-file, weights/not-a-file, weights/unreadable", async () => {
    expect(await codeOf(() => fileSource(join(folder, "none")).size())).toBe("weights/no-file");
    const under = join(await stored(one), "x");
    expect(await codeOf(() => fileSource(under).size())).toBe("weights/no-file");
    expect(await codeOf(() => fileSource(folder).size())).toBe("weights/not-a-file");
    const loop = fresh();
    await symlink(loop, loop);
    expect(await codeOf(() => fileSource(loop).size())).toBe("weights/unreadable");
  });

  test.skipIf(process.platform === "win32")("a pipe is refused, not waited for", async () => {
    const pipe = fresh();
    execFileSync("mkfifo", [pipe]);
    expect(await codeOf(() => fileSource(pipe).read(0, 8))).toBe("weights/not-a-file");
    expect(await codeOf(() => fileSource("/dev/zero").read(0, 8))).toBe("weights/not-a-file");
  });
});

describe("a folder", () => {
  test("follows links, as those of the Hugging Face cache", async () => {
    const snapshot = join(folder, "snapshot");
    await mkdir(snapshot);
    await symlink(await stored(one), join(snapshot, "model.safetensors"));
    const checkpoint = await openCheckpoint(folderOf(snapshot));
    expect((await checkpoint.read("a")).bytes).toEqual(Uint8Array.of(1, 2, 3));
  });

  test("has no files outside itself, and none where it is missing", async () => {
    const inner = join(folder, "inner");
    await mkdir(inner);
    expect(
      await folderOf(inner).open(`../${(await stored(one)).slice(folder.length + 1)}`),
    ).toBeUndefined();
    expect(await codeOf(() => openCheckpoint(folderOf(join(folder, "none"))))).toBe(
      "weights/no-checkpoint",
    );
  });
});

describe("making a folder", () => {
  test("makes those above it, twice at a time too, and leaves what is there", async () => {
    const path = join(fresh(), "a", "b");
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => makeFolder(join(path, "..", `${i % 2}`, "c"))),
    );
    await makeFolder(path);
    await writeFile(join(path, "kept"), "");
    await makeFolder(path);
    expect(await readdir(path)).toEqual(["kept"]);
  });

  test("ends where there can be none", async () => {
    const code = async (path: string): Promise<unknown> =>
      await makeFolder(path).catch((error: NodeJS.ErrnoException) => error.code);
    expect(await code(await stored(one))).toBe("EEXIST");
    expect(await code(join(await stored(one), "x"))).toMatch(/ENOTDIR|ENOENT/);
    if (process.platform === "linux") expect(await code("/proc/none/of/this")).toBe("ENOENT");
  });
});

describe("writing a file", () => {
  const leftovers = async () => (await readdir(folder)).filter((name) => name.endsWith(".tmp"));

  test("gives the bytes that writing to memory gives, and leaves nothing else", async () => {
    const path = fresh();
    await writeSafetensorsFile(path, tensors([1, 2, 3]));
    expect(new Uint8Array(await readFile(path))).toEqual(one);
    expect(await leftovers()).toEqual([]);
  });

  test("weights/file-exists, unless overwrite is asked for", async () => {
    const path = await stored(one);
    expect(await codeOf(() => writeSafetensorsFile(path, tensors([4, 5, 6])))).toBe(
      "weights/file-exists",
    );
    expect(new Uint8Array(await readFile(path))).toEqual(one);
    await writeSafetensorsFile(path, tensors([4, 5, 6]), { overwrite: true });
    expect(new Uint8Array(await readFile(path))).toEqual(two);
  });

  test("weights/file-exists, also where the file comes while this one is written", async () => {
    const path = fresh();
    const bytes = async () => {
      await link(await stored(two), path);
      return Uint8Array.of(1, 2, 3);
    };
    const work = () => writeSafetensorsFile(path, [{ name: "a", dtype: "U8", shape: [3], bytes }]);
    expect(await codeOf(work)).toBe("weights/file-exists");
    expect(new Uint8Array(await readFile(path))).toEqual(two);
    expect(await leftovers()).toEqual([]);
  });

  test("a file may be written over itself, tensor by tensor", async () => {
    const path = await stored(one);
    const checkpoint = await openCheckpoint(fileSource(path));
    const bytes = async () => (await checkpoint.read("a")).bytes.map((byte) => byte + 3);
    await writeSafetensorsFile(path, [{ name: "a", dtype: "U8", shape: [3], bytes }], {
      overwrite: true,
    });
    expect(new Uint8Array(await readFile(path))).toEqual(two);
  });

  test("what fails half-way leaves the file as it was, nothing beside it, and nothing open", async () => {
    const path = await stored(one);
    const failure = Object.assign(new Error("no disk"), { code: "EIO" });
    const failing: TensorToWrite[] = [
      { name: "a", dtype: "U8", shape: [2 ** 20], bytes: () => new Uint8Array(2 ** 20) },
      { name: "b", dtype: "U8", shape: [1], bytes: () => Promise.reject(failure) },
    ];
    const before = await openHandles();
    // The caller's own error comes out as it is.
    await expect(writeSafetensorsFile(path, failing, { overwrite: true })).rejects.toBe(failure);
    expect(new Uint8Array(await readFile(path))).toEqual(one);
    expect(await leftovers()).toEqual([]);
    expect(await openHandles()).toBe(before);
  });

  test("weights/unwritable", async () => {
    const path = join(folder, "none", "x.safetensors");
    expect(await codeOf(() => writeSafetensorsFile(path, tensors([1])))).toBe("weights/unwritable");
  });

  test("a signal stops it", async () => {
    const path = fresh();
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(writeSafetensorsFile(path, tensors([1]), { signal })).rejects.toThrow("enough");
    expect(await codeOf(() => fileSource(path).size())).toBe("weights/no-file");
  });
});

const shards = memoryFolder(
  new Map([
    ["b.safetensors", one],
    [
      "a.safetensors",
      await writeSafetensors([{ name: "z", dtype: "U8", shape: [1], bytes: Uint8Array.of(9) }]),
    ],
    [
      "model.safetensors.index.json",
      new TextEncoder().encode('{"weight_map":{"a":"b.safetensors","z":"a.safetensors"}}'),
    ],
  ]),
);

const big = await writeSafetensors([
  { name: "x", dtype: "U8", shape: [9_000_001], bytes: new Uint8Array(9_000_001).fill(7) },
]);

describe("the hash of a checkpoint", () => {
  const sha256 = (bytes: Uint8Array | string): string =>
    createHash("sha256").update(bytes).digest("hex");
  test.each([
    ["pure", pureSha256],
    ["Node's", checkpointSha256],
  ] as const)("%s", async (_name, hash) => {
    expect(await hash(await openCheckpoint(memorySource(one)))).toBe(sha256(one));
    expect(await hash(await openCheckpoint(memorySource(big)))).toBe(sha256(big));
    const first = (await shards.open("a.safetensors")) ?? memorySource(one);
    const digests = [sha256(await first.read(0, await first.size())), sha256(one)];
    expect(await hash(await openCheckpoint(shards))).toBe(sha256(digests.join("\n")));
  });

  test("holds a few MB at a time, tells how far it is, and stops at a signal", async () => {
    const pieces: number[] = [];
    const inner = memorySource(big);
    const checkpoint = await openCheckpoint({
      ...inner,
      read: (start, end) => {
        pieces.push(end - start);
        return inner.read(start, end);
      },
    });
    const told: number[] = [];
    await pureSha256(checkpoint, { onProgress: ({ done, total }) => told.push(done / total) });
    expect(Math.max(...pieces)).toBe(4 * 1024 * 1024);
    expect(told.length).toBe(3);
    expect(told.at(-1)).toBe(1);
    const controller = new AbortController();
    const work = pureSha256(checkpoint, {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(work).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
  });
});

test("a file is read into memory at hand, which threads may share", async () => {
  const path = fresh();
  await writeFile(path, one);
  const source = fileSource(path);
  const memory = new Uint8Array(new SharedArrayBuffer(8), 2, 4);
  await source.readInto?.(3, memory);
  expect([...memory]).toEqual([...one.subarray(3, 7)]);
  const beyond = new Uint8Array(one.length);
  expect(await codeOf(() => source.readInto?.(1, beyond))).toBe("weights/bad-range");
});
