import { join } from "node:path";
import {
  type Analysis,
  defineAnalysis,
  modelIdentity,
  modelOf,
  type Prompt,
  type Result,
} from "@resolvent/analysis";
import { modelParameter, parameters, promptParameter } from "@resolvent/analysis/parameters";
import { run as forward, runCost } from "@resolvent/transformer";
import { beforeAll, expect, test } from "vitest";
import { placeOfModel } from "../src/model-place.ts";
import { temporaryFolder, writeModel } from "./models.ts";
import { type Ran, run } from "./program.ts";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
beforeAll(async () => {
  await writeModel(at("one"), "gpt2", { seed: 1 });
  await writeModel(at("two"), "gpt2", { seed: 2 });
});

interface Given {
  readonly prompt: Prompt;
  readonly other: string;
  readonly base?: string | undefined;
}

interface Norms extends Result {
  readonly others: readonly Result["model"][];
  readonly norms: readonly number[];
  readonly files: readonly string[];
}

const norms: Analysis<Given, Norms> = defineAnalysis<Given, Norms>({
  name: "norms",
  summary: "norms of two models",
  description: "The norm of what each model computes.",
  params: parameters({
    other: modelParameter("the other model", { argument: true }),
    base: modelParameter("where both began", { optional: true }),
    prompt: promptParameter("text"),
  }),
  needs: ["layers", "folders"],
  estimate: ({ model, vocabulary }, { prompt }) => runCost(model, vocabulary.encode(prompt)),
  run: async ({ engine, model, models, folders, vocabulary }, { prompt, base }) => {
    const named = ["other", ...(base === undefined ? [] : ["base"])];
    const others = named.map((name) => modelOf(models, name));
    const own: number[] = [];
    for (const one of [model, ...others]) {
      const { residual } = forward(engine, one, vocabulary.encode(prompt));
      own.push(Math.hypot(...(await engine.read(residual)).data));
    }
    return {
      ...{ schemaVersion: 1, kind: "norms", model: modelIdentity(model), norms: own },
      others: others.map(modelIdentity),
      files: Object.keys(folders ?? {}),
    };
  },
  tables: () => [],
});

const call = async (...args: readonly string[]): Promise<Ran> =>
  await run([norms], ["norms", ...args]);

test("another model is a word after the first, and loaded beside it", async () => {
  const { code, stdout, stderr } = await call(
    ...[at("one"), at("two"), "--base", at("one"), "--tokens", "1,2,3", "--json"],
  );
  expect([code, stderr]).toEqual([0, ""]);
  const { model, others, norms: own, files } = JSON.parse(stdout);
  expect([model, ...others].map(({ name }) => name)).toEqual(["one", "two", "one"]);
  expect(model.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(others[1].sha256).toBe(model.sha256);
  expect(others[0].sha256).not.toBe(model.sha256);
  expect(own[2]).toBe(own[0]);
  expect(own[1]).not.toBe(own[0]);
  expect(files.toSorted()).toEqual(["base", "model", "other"]);
});

test("help says so, and what is missing is named", async () => {
  const help = await call("--help");
  expect(help.stdout).toContain("resolvent norms <model> <other> [options]");
  expect(help.stdout).toMatch(/--base <model> +where both began; named as MODEL is/);
  const missing = await call(at("one"), "--tokens", "1,2");
  expect([missing.code, missing.stderr]).toEqual([
    2,
    expect.stringContaining("missing required argument 'other'"),
  ]);
  const nowhere = await call(at("one"), at("three"), "--tokens", "1,2");
  expect(nowhere.code).toBe(2);
  expect(nowhere.stderr).toContain(`"${at("three")}" is neither a bundled model nor a folder`);
});

test("the memory that is planned is that of all models", async () => {
  const limit = ["--tokens", "1,2,3", "--max-memory"];
  const dry = await call(at("one"), at("two"), "--tokens", "1,2,3", "--dry-run", "--json");
  const { weights, peakBytes } = JSON.parse(dry.stdout);
  const both = String(weights.bytes + peakBytes);
  expect((await call(at("one"), at("two"), ...limit, both)).code).toBe(0);
  const { code, stderr } = await call(at("one"), at("two"), "--base", at("two"), ...limit, both);
  expect(code).toBe(0); // one that is named twice is there once
  expect(stderr).toBe("");
  const less = await call(at("one"), at("two"), ...limit, String(weights.bytes - 1));
  expect([less.code, less.stderr]).toEqual([5, expect.stringContaining("[cli/over-budget]")]);
});

test.each([
  ["openai-community/gpt2@main", { path: "openai-community/gpt2", revision: "main" }],
  ["tales", { path: "tales" }],
  ["https://user@example.org/gpt2", { path: "https://user@example.org/gpt2" }],
  ["@tales", { path: "@tales" }],
  ["tales@", { path: "tales@" }],
])("%s is found as %j", (name, place) => {
  expect(placeOfModel(name)).toEqual(place);
});
