import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import files from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { isInputError, isInternalError } from "@resolvent/tensor";
import { expect, test } from "vitest";
import { checkpointFile } from "../src/files.ts";
import { newFolder } from "../src/new-folder.ts";
import { unwritable } from "../src/place.ts";
import { openParts, partFolder } from "../src/sweep/parts.ts";
import { temporaryFolder } from "./models.ts";

/** Has another process do something just before a file or folder gets its name, once. */
function before(acts: () => void): void {
  const { rename } = files;
  const restored = (): void => {
    files.rename = rename;
    syncBuiltinESMExports();
  };
  files.rename = async (from, to) => {
    restored();
    acts();
    await rename(from, to);
  };
  syncBuiltinESMExports(); // all who import it by its name have it
}

const home = temporaryFolder();
const at = (...names: string[]): string => join(home, ...names);

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text.slice(0, 2));
  yield new TextEncoder().encode(text.slice(2));
}

/** Writes files with their own names as text. */
const writing =
  (...names: string[]) =>
  async (write: (file: string, pieces: AsyncIterable<Uint8Array>) => Promise<void>) => {
    for (const name of names) await write(name, bytes(`text of ${name}`));
  };
const made = (path: string, overwrite = false) => newFolder("--out", path, overwrite, () => {});
const read = (...names: string[]): string => readFileSync(at(...names), "utf8");

function refused(path: string, overwrite: boolean): string {
  try {
    made(path, overwrite);
  } catch (error) {
    if (isInputError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "none";
}

test("a folder that is new, or empty, gets all files, and nothing stays beside it", async () => {
  mkdirSync(at("empty"));
  const sizes: number[] = [];
  await newFolder("--out", `${at("new")}/`, false, (size) => sizes.push(size)).write(
    writing("a", "b"),
    7,
  );
  await made(at("empty")).write(writing("c"), 1);
  expect([read("new", "a"), read("new", "b"), read("empty", "c")]).toEqual([
    ...["text of a", "text of b", "text of c"],
  ]);
  expect(sizes).toEqual([7]);
  expect(readdirSync(home).sort()).toEqual(["empty", "new"]);
});

test("with files in it, it is refused before any work, but for --overwrite, which leaves others there", async () => {
  mkdirSync(at("full"));
  writeFileSync(at("full", "a"), "old");
  writeFileSync(at("full", "thesis.tex"), "mine");
  writeFileSync(at("file"), "");
  expect(refused(at("full"), false)).toMatch(/^cli\/usage: .*full is there already/);
  expect(refused(at("file"), true)).toMatch(/^cli\/usage: .*is a file/);
  expect(refused("-", true)).toMatch(/^cli\/usage/);
  expect(refused("", true)).toMatch(/^cli\/usage/);
  expect(refused(at("none", "below"), false)).toMatch(/^cli\/unwritable/);
  expect(refused(at("file", "below"), false)).toMatch(/^cli\/unwritable/);
  expect(unwritable("here", "EACCES").remedy).toMatch(/may be written/);
  expect(unwritable("here", "ENOSPC").remedy).toMatch(/no room left/);
  await made(at("full"), true).write(writing("a", "b"), 1);
  expect([read("full", "a"), read("full", "b"), read("full", "thesis.tex")]).toEqual([
    ...["text of a", "text of b", "mine"],
  ]);
});

test("work that fails leaves what was there, and nothing else", async () => {
  const before = readdirSync(home).sort();
  const failing = async (write: Parameters<ReturnType<typeof writing>>[0]): Promise<void> => {
    await writing("a")(write);
    throw new Error("stopped");
  };
  await expect(made(at("failed")).write(failing, 1)).rejects.toThrow("stopped");
  await expect(made(at("full"), true).write(failing, 1)).rejects.toThrow("stopped");
  const escaping = made(at("failed")).write(writing("../escaped"), 1);
  await expect(escaping).rejects.toSatisfy(isInternalError);
  expect(readdirSync(home).sort()).toEqual(before);
  expect(read("full", "a")).toBe("text of a");
});

test("one that fills while the work goes on is not written over", async () => {
  const folder = made(at("raced"));
  mkdirSync(at("raced"));
  writeFileSync(at("raced", "a"), "theirs");
  await expect(folder.write(writing("a"), 1)).rejects.toThrow("is there already");
  expect(read("raced", "a")).toBe("theirs");
});

test("another that makes the folder, fills it or removes it between the look and the move is heeded", async () => {
  const here = at("meanwhile");
  const fill = (): void => {
    mkdirSync(here, { recursive: true });
    writeFileSync(join(here, "a"), "another's");
  };
  const moved = async (overwrite: boolean) => await made(here, overwrite).write(writing("a"), 1);
  before(fill);
  await expect(moved(false)).rejects.toMatchObject({ code: "cli/usage" });
  expect(readFileSync(join(here, "a"), "utf8")).toBe("another's");
  rmSync(here, { recursive: true });
  before(fill);
  await moved(true);
  expect(readFileSync(join(here, "a"), "utf8")).toBe("text of a");
  expect(readdirSync(home).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

test("a shard that is started while another writes one of its parts takes nothing away; what a dead one has left goes", async () => {
  const out = at("sweep");
  const openOwn = async (): Promise<unknown> => await openParts(out, (part) => part !== 5);
  await openOwn();
  const anothers = ".00000005.free-0-00000000.tmp";
  for (const left of [".00000004.free-0-00000000.tmp", anothers])
    mkdirSync(join(out, "parts", left));
  await newFolder("--out", partFolder(out, 3), "never", () => {}).write(async (write) => {
    await writing("a")(write);
    await openOwn();
    await writing("b")(write);
  }, 1);
  expect(readdirSync(join(out, "parts"))).toEqual([anothers, "00000003"]);
  expect(readdirSync(partFolder(out, 3)).sort()).toEqual(["a", "b"]);
});

test("two processes that keep their state in one file leave one whole state there", async () => {
  const path = at("work.state");
  const states = [1, 2].map((which) => ({ which, numbers: new Float64Array(500_000).fill(which) }));
  const [one, two] = await Promise.all(states.map(() => checkpointFile(path, "linearity")));
  await Promise.all([one?.save(states[0]), two?.save(states[1])]);
  expect(states).toContainEqual((await checkpointFile(path, "linearity")).saved);
  await one?.remove();
  expect(readdirSync(home).filter((name) => name.includes("work.state"))).toEqual([]);
});
