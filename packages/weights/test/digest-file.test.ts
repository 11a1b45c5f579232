import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openCheckpoint } from "../src/index.ts";
import {
  checkpointSha256,
  digestFile,
  digestFilePath,
  fileSource,
  writeSafetensorsFile,
} from "../src/node/index.ts";

const folder = mkdtempSync(join(tmpdir(), "resolvent-digests-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tensors = (value: number) => [
  {
    name: "a",
    dtype: "F32" as const,
    shape: [1],
    bytes: new Uint8Array(new Float32Array([value]).buffer),
  },
];

/** A file source whose times are long past, and that counts what is read. */
async function counted(path: string) {
  const source = fileSource(path);
  let reads = 0;
  return {
    reads: () => reads,
    source: {
      ...source,
      read: (start: number, end: number) => {
        reads++;
        return source.read(start, end);
      },
      identity: async () => `${path} ${(await readFile(path)).toString("hex")}`,
    },
  };
}

test("a file is hashed once, and again when it is another", async () => {
  const path = join(folder, "a.safetensors");
  await writeSafetensorsFile(path, tensors(1));
  const known = digestFile(join(folder, "cache", "digests.json"));
  const hash = async () => {
    const { source, reads } = await counted(path);
    const checkpoint = await openCheckpoint(source);
    const before = reads();
    const digest = await checkpointSha256(checkpoint, { known });
    return { digest, read: reads() - before };
  };
  const first = await hash();
  expect(first.read).toBeGreaterThan(0);
  expect(await hash()).toEqual({ digest: first.digest, read: 0 });
  await writeSafetensorsFile(path, tensors(2), { overwrite: true });
  const second = await hash();
  expect(second.read).toBeGreaterThan(0);
  expect(second.digest).not.toBe(first.digest);
  expect(await readdir(join(folder, "cache"))).toEqual(["digests.json"]); // nothing is left beside it
});

test("a file that has just changed has no identity yet; an older one has, and another after each change", async () => {
  const path = join(folder, "b.bin");
  await writeFile(path, "1");
  expect(await fileSource(path).identity?.()).toBeUndefined();
  const later = Date.now;
  try {
    Date.now = () => later() + 10_000;
    const first = await fileSource(path).identity?.();
    expect(first).toMatch(/^\d+(:\d+){4}$/);
    expect(await fileSource(path).identity?.()).toBe(first);
    await writeFile(path, "2");
    const second = await fileSource(path).identity?.();
    expect(second).not.toBe(first);
    // Also where size and time of modification are put back.
    await utimes(path, 1, 1);
    const third = await fileSource(path).identity?.();
    await writeFile(path, "3");
    await utimes(path, 1, 1);
    expect(await fileSource(path).identity?.()).not.toBe(third);
  } finally {
    Date.now = later;
  }
});

test.each([
  ["no JSON", "{"],
  ["a list", "[1]"],
  ["null", "null"],
  ["other values", '{"x": 3, "y": "not a digest", "z": null}'],
  ["far too long", `{"x": "${"0".repeat(2 ** 21)}"}`],
])("a file of digests that holds %s counts as empty", async (_, text) => {
  const path = join(folder, "odd.json");
  await writeFile(path, text);
  const store = digestFile(path);
  for (const key of ["x", "y", "z", "0", "__proto__"]) expect(await store.get(key)).toBeUndefined();
  await store.set("k", "ab".repeat(32));
  expect(await store.get("k")).toBe("ab".repeat(32));
});

test("where nothing can be written nothing is kept, and nothing fails", async () => {
  await mkdir(join(folder, "taken"));
  const store = digestFile(join(folder, "taken"));
  await store.set("k", "ab".repeat(32));
  expect(await store.get("k")).toBeUndefined();
});

test("it stands in the user's cache", () => {
  expect(digestFilePath({ XDG_CACHE_HOME: "/caches" })).toBe("/caches/resolvent/digests.json");
  const ofTheHub = "/base/x/resolvent/digests.json"; // variables as in paths of the Hub's cache
  expect(digestFilePath({ XDG_CACHE_HOME: "$BASE/x", BASE: "/base" })).toBe(ofTheHub);
  expect(digestFilePath({ XDG_CACHE_HOME: "~/x" })).toBe(
    join(homedir(), "x", "resolvent", "digests.json"),
  );
  expect(digestFilePath({ XDG_CACHE_HOME: "" })).toBe(
    join(homedir(), ".cache", "resolvent", "digests.json"),
  );
});
