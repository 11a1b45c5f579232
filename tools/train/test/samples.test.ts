import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { createEncoder } from "../src/encoder.ts";
import { repeatsSample, talesSample } from "../src/samples.ts";

const read = (path: string): Promise<string> =>
  readFile(new URL(`../../../${path}`, import.meta.url), "utf8");

test("docs/samples are what the command makes", async () => {
  const encoder = createEncoder(JSON.parse(await read("packages/models/tales/tokenizer.json")));
  expect(await read("docs/samples/tales.txt")).toBe(talesSample(120));
  expect(await read("docs/samples/repeats.txt")).toBe(repeatsSample(encoder, 60, 50));
});

test("a line of tales begins with the mark, and is about a sequence of 128 tokens", () => {
  const lines = talesSample(20).trimEnd().split("\n");
  expect(lines).toHaveLength(20);
  for (const line of lines) {
    expect(line).toMatch(/^<\|endoftext\|>[A-Z"]/);
    expect(line.length).toBeGreaterThanOrEqual(512);
    expect(line.length).toBeLessThan(1024); // a longer line of a corpus is cut in two
  }
});
