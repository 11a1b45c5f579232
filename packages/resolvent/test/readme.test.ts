import { readFile } from "node:fs/promises";
import { afterEach, expect, test, vi } from "vitest";
import { openModel } from "../src/node.ts";

afterEach(() => void vi.restoreAllMocks());

const blocks = async (): Promise<string[]> => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  return [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code);
};

test.each([
  ["previous-token", 8],
  ["ablate", 10],
])("the README has the example %s, in so few lines", async (name, most) => {
  const code = await readFile(new URL(`examples/${name}.ts`, import.meta.url), "utf8");
  expect(await blocks()).toContain(code);
  const lines = code.split("\n").filter((line) => /\w/.test(line));
  expect(lines.length).toBeLessThanOrEqual(most);
});

test("the previous-token heads of a text", async () => {
  const said = vi.spyOn(console, "log").mockImplementation(() => {});
  await import("./examples/previous-token.ts");
  expect(said.mock.calls.length).toBe(16);
  for (const [, , score] of said.mock.calls) {
    expect(score).toBeGreaterThan(0);
    expect(score).toBeLessThan(1);
  }
});

test("a head ablated on twenty prompts", async () => {
  const said = vi.spyOn(console, "log").mockImplementation(() => {});
  await import("./examples/ablate.ts");
  expect(said.mock.calls.length).toBe(20);
  expect(said.mock.calls.some(([, before, , after]) => before !== after)).toBe(true);
});

test("the values of the README's first lines are there", async () => {
  const [first = ""] = await blocks();
  expect(first).toContain('const lm = await openModel("tales");');
  const lm = await openModel("tales");
  const run = await lm.run("Once upon a time", { sites: ["*.pattern"] });
  expect(run.site("L0.attn.pattern").at({ head: 1, pos: 3, key_pos: 0 })).toBeGreaterThan(0);
  expect(run.logits.at({ pos: -1 }).nested("vocab").length).toBe(lm.model.architecture.vocab);
  expect(first).toContain(`// ${run.next(1)[0]?.text.trim()}`);
  await lm.close();
});
