import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { copyingRecipe, tokensToCopy } from "../src/copying.ts";
import { createEncoder } from "../src/encoder.ts";
import { repeatsSample, skillSample, talesSample } from "../src/samples.ts";

const script = new URL("../dist/make-samples.js", import.meta.url);
const read = (path: string): Promise<string> =>
  readFile(new URL(`../../../${path}`, import.meta.url), "utf8");

const skills = ["colours", "recoloured", "rows"] as const;

test("docs/samples are held-out tales and repeats of random tokens", async () => {
  const encoder = createEncoder(JSON.parse(await read("packages/models/tales/tokenizer.json")));
  expect(await read("docs/samples/tales.txt")).toBe(talesSample(120));
  expect(await read("docs/samples/repeats.txt")).toBe(repeatsSample(encoder, 60, 50));
  expect(await read("docs/samples/short-repeats.txt")).toBe(repeatsSample(encoder, 16, 30));
  const copies = repeatsSample(tokensToCopy(copyingRecipe), 16, 20);
  expect(await read("docs/samples/copies.txt")).toBe(copies);
  for (const skill of skills) {
    expect(await read(`docs/samples/${skill}.txt`)).toBe(skillSample(skill, 12));
  }
});

const unbuilt = existsSync(script) ? "" : " (skipped: not built; npx tsc -b tools/train)";
test.skipIf(unbuilt !== "")(`docs/samples are what the command writes${unbuilt}`, async () => {
  const folder = await mkdtemp(join(tmpdir(), "resolvent-samples-"));
  const make = (...args: string[]) =>
    spawnSync(process.execPath, [fileURLToPath(script), ...args], { encoding: "utf8" });
  try {
    const { status, stderr } = make("--out", join(folder, "new"));
    expect([status, stderr]).toEqual([0, ""]);
    for (const name of [
      "tales.txt",
      "repeats.txt",
      "short-repeats.txt",
      "copies.txt",
      ...skills.map((skill) => `${skill}.txt`),
    ]) {
      expect(await readFile(join(folder, "new", name), "utf8"), name).toBe(
        await read(`docs/samples/${name}`),
      );
    }
    expect(make().stderr).toContain("Give --out FOLDER.");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a line of tales begins with the mark, and is about a sequence of 128 tokens", () => {
  const lines = talesSample(20).trimEnd().split("\n");
  expect(lines).toHaveLength(20);
  lines.push(...skills.flatMap((skill) => skillSample(skill, 12).trimEnd().split("\n")));
  for (const line of lines) {
    expect(line).toMatch(/^<\|endoftext\|>[A-Z"]/);
    expect(line.length).toBeGreaterThanOrEqual(512);
    expect(line.length).toBeLessThan(1024); // a longer line of a corpus is cut in two
  }
});
