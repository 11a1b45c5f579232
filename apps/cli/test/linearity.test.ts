import { existsSync, readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { AnyAnalysis } from "@resolvent/analysis";
import { linearityAnalyses } from "@resolvent/linearity/analyses";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { temporaryFolder, writeModel } from "./models.ts";
import { type Ran, run } from "./program.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
let model: string;
beforeAll(async () => {
  model = await writeModel(at("small"), "gpt2");
  const words = ["the cat sat", "a dog ran home", "é and so on", "who knows"];
  const lines = Array.from({ length: 120 }, (_, i) => `${words[i % 4]} ${words[(i * 7 + 1) % 4]}`);
  await writeFile(at("corpus.txt"), lines.join("\n"));
  const ids = Array.from({ length: 40 }, (_, i) => [i % 28, (3 * i) % 28, (5 * i + 2) % 28, 7]);
  await writeFile(at("ids.txt"), ids.map((row) => row.join(",")).join("\n"));
});

const linearity = (...args: readonly string[]): Promise<Ran> =>
  run(linearityAnalyses, ["linearity", model, "--threads", "1", ...args]);

test("a corpus as JSON, with what was measured on how many tokens", async () => {
  const { code, stdout, stderr } = await linearity(
    ...["--corpus", at("corpus.txt"), "--length", "16", "--json", "--draws", "20"],
  );
  // The tokenizer of the test has no line ends.
  expect(stderr).toMatch(/^warning: part of the text vanished: .*U\+000A\)\.\n$/);
  expect(code).toBe(0);
  const result = JSON.parse(stdout);
  expect(result).toMatchObject({
    ...{ schemaVersion: 1, kind: "linearity", warnings: [{ code: "text-vanished" }] },
    input: { corpus: at("corpus.txt"), length: 16 },
    settings: { split: "half", seed: 0, draws: 20, cutoff: 2e-7 },
    labels: { withResidual: expect.stringContaining("residual included") },
  });
  expect(result.tokens).toBe(result.input.scored.tokens);
  expect(result.input.fit.tokens).toBeGreaterThan(160);
  expect(result.blocks.map(({ block }: { block: string }) => block)).toEqual([
    ...["L0.attn", "L0.mlp", "L1.attn", "L1.mlp"],
  ]);
  for (const block of result.blocks) {
    expect(block.withResidual).toBeLessThanOrEqual(1);
    expect(block.intervals.withoutResidual[0]).toBeLessThanOrEqual(block.withoutResidual);
    expect(block.rank).toBe(16);
  }
});

test("token ids, scored on what was fitted: warnings are in every format", async () => {
  const args = ["--tokens-file", at("ids.txt"), "--split", "none", "--draws", "4"];
  for (const format of ["table", "json", "ndjson"]) {
    const { code, stdout } = await linearity(...args, "--format", format);
    expect(code).toBe(0);
    expect(stdout, format).toContain("Scored on the tokens that the maps were fit on");
    expect(stdout, format).toMatch(/with residual|withResidual/);
  }
  const { stdout } = await linearity(...args, "--format", "csv");
  expect(stdout).toContain("same-tokens");
  expect(stdout.split("\n")[0]).toMatch(/^block,withResidual,withoutResidual,/);
});

test("the same call gives the same numbers; another seed others", async () => {
  const args = ["--corpus", at("corpus.txt"), "--max-tokens", "400", "--draws", "5", "--json"];
  const first = await linearity(...args);
  expect((await linearity(...args)).stdout).toBe(first.stdout);
  expect((await linearity(...args, "--seed", "1")).stdout).not.toBe(first.stdout);
});

describe("files", () => {
  const few = ["--max-tokens", "200", "--draws", "2", "--lens-passes", "0"];

  test("a page is written beside the result, with the command; not over a file that is there", async () => {
    const html = at("page.html");
    const args = ["--corpus", at("corpus.txt"), "--html", html, ...few];
    const { code, stderr } = await linearity(...args);
    expect(code).toBe(0);
    expect(stderr).toContain(`${html} has the page.`);
    const page = await readFile(html, "utf8");
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain(`resolvent linearity ${model}`);
    await writeFile(html, "mine");
    const again = await linearity(...args);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain("is there already");
    expect(await readFile(html, "utf8")).toBe("mine");
    expect((await linearity(...args, "--overwrite")).code).toBe(0);
    expect(await readFile(html, "utf8")).toMatch(/^<!doctype html>/);
  });

  test("what cannot be read, or is no corpus, is refused", async () => {
    await writeFile(at("odd.txt"), "1,2,x\n");
    await writeFile(at("large.txt"), "1,2,999\n");
    await writeFile(at("binary.txt"), new Uint8Array([0xff, 0xfe, 0x00]));
    for (const [args, code, message] of [
      [["--corpus", at("nowhere.txt")], 3, /nowhere.txt cannot be read \(ENOENT\)/],
      [["--corpus", folder], 3, /cannot be read \(EISDIR\)/],
      [["--corpus", at("binary.txt")], 2, /is not UTF-8 text/],
      [["--tokens-file", at("odd.txt")], 2, /line 1: expected token ids, got "x"/],
      [["--tokens-file", at("large.txt")], 2, /0 to 28, got 999/],
      [[], 2, /A corpus is one file, got none/],
      [["--corpus", at("corpus.txt"), "--tokens-file", at("ids.txt")], 2, /got two/],
      [["--corpus", at("corpus.txt"), "--length", "99"], 2, /at most 24 tokens/],
      [["--corpus", at("corpus.txt"), "--between", "embed"], 2, /written from:to/],
    ] as const) {
      const ran = await linearity(...args);
      expect(ran.stderr).toMatch(message);
      expect(ran.code).toBe(code);
    }
  });

  test("interrupted work is kept, resumed with the same result, and then removed", async () => {
    const state = at("work.state");
    const args = ["--tokens-file", at("ids.txt"), "--draws", "5", "--json"];
    const whole = await linearity(...args);
    // Each call is interrupted before its first batch is over.
    let calls = 0;
    for (;;) {
      const controller = new AbortController();
      const analyses = linearityAnalyses.map(
        (own): AnyAnalysis => ({
          ...own,
          run: async (subject, given) => {
            if (calls < 2) controller.abort();
            return await own.run(subject, given);
          },
        }),
      );
      const ran = await run(
        analyses,
        ["linearity", model, "--threads", "1", ...args, "--resume", state],
        { signal: controller.signal },
      );
      if (ran.code === 0) {
        expect(ran.stdout).toBe(whole.stdout);
        break;
      }
      expect(ran.code).toBe(130);
      expect(existsSync(state)).toBe(true);
      expect(ran.stderr).toContain(`Interrupted. ${state} has what is done; the same command`);
      expect(ran.stderr).toMatch(/\n {2}resolvent linearity .* --resume .*work\.state\n/);
      calls++;
    }
    expect(calls).toBe(2);
    expect(existsSync(state)).toBe(false);
    expect(readdirSync(dirname(state)).filter((name) => name.includes("work.state"))).toEqual([]);
  });

  test("interrupted while the model is loaded, there is nothing that could be kept", async () => {
    const [controller, state] = [new AbortController(), at("none.state")];
    const args = ["linearity", model, "--threads", "1", "--tokens-file", at("ids.txt")];
    const { signal } = controller;
    const running = run(linearityAnalyses, [...args, "--resume", state], { signal });
    controller.abort();
    const { code, stderr } = await running;
    expect([code, existsSync(state)]).toEqual([130, false]);
    expect(stderr).toContain("Interrupted before anything was done that could be kept.");
  });

  test("interrupted work that is not kept says so, and how it would be", async () => {
    const controller = new AbortController();
    const args = ["linearity", model, "--threads", "1", "--tokens-file", at("ids.txt")];
    const running = run(linearityAnalyses, args, { signal: controller.signal });
    controller.abort();
    const { code, stderr } = await running;
    expect(code).toBe(130);
    expect(stderr).toContain("nothing is kept. --resume FILE keeps unfinished work.");
  });

  test("a file of another kind is not taken for a state, and stays as it is", async () => {
    const ran = await linearity("--corpus", at("corpus.txt"), "--resume", at("ids.txt"), ...few);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("holds no unfinished work of linearity");
    expect(await readFile(at("ids.txt"), "utf8")).toMatch(/^0,0,2,7\n/);
  });
});

test("what it would take is said before anything is read", async () => {
  const { code, stdout } = await linearity(
    ...["--corpus", at("corpus.txt"), "--dry-run", "--json"],
  );
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ kind: "cost", command: "linearity" });
});
