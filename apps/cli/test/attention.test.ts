import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { analyses } from "../src/analyses.ts";
import { temporaryFolder, writeModel } from "./models.ts";
import { type Ran, run } from "./program.ts";

const model = join(temporaryFolder(), "tiny");
const call = (...args: readonly string[]): Promise<Ran> => run(analyses, args);
beforeAll(async () => {
  await writeModel(model, "gpt2");
});

interface Patterns {
  readonly sites: readonly object[];
  readonly attention?: readonly { readonly name: string; readonly pattern: number[][] }[];
}

test("--attention gives a causal pattern of every head, and no site that was not asked for", async () => {
  const { stdout } = await call("run", model, "--prompt", "once", "--attention", "--json");
  const { attention = [], sites } = JSON.parse(stdout) as Patterns;
  expect(sites).toEqual([]);
  expect(attention[0]?.name).toBe("L0.H0");
  expect(new Set(attention.map(({ name }) => name)).size).toBe(attention.length);
  for (const { pattern } of attention) {
    expect(pattern).toHaveLength(4);
    pattern.forEach((row, query) => {
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      expect(row.slice(query + 1).every((probability) => probability === 0)).toBe(true);
    });
  }
  const csv = await call(
    ...["run", model, "--prompt", "once", "--attention", "--only", "attention", "--format", "csv"],
  );
  expect(csv.stdout.split("\n")[0]).toBe("head,query,key,probability");
  expect(csv.stdout.trim().split("\n")).toHaveLength(1 + attention.length * 10);
});

test("without it the result has none", async () => {
  const { stdout } = await call("run", model, "--prompt", "once", "--json");
  expect("attention" in JSON.parse(stdout)).toBe(false);
});
