import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeWithFixtures } from "@resolvent/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { builtInFor } from "../src/built-in.ts";
import { temporaryFolder, writeModel } from "./models.ts";
import { json, output, resolvent, run } from "./program.ts";

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);

/** Paths in configurations start at the working directory. */
function inFolder(place: string): void {
  const before = process.cwd();
  beforeAll(() => process.chdir(place));
  afterAll(() => process.chdir(before));
}

describeWithFixtures("merge of every fixture", (fixtures) => {
  inFolder(fixtures.path("fixtures/merging"));
  const names = readdirSync(fixtures.path("fixtures/merging/configs")).map((file) =>
    file.replace(/\.yml$/, ""),
  );

  test.each(names)("has the plan of %s", async (name) => {
    const args = ["merge", `configs/${name}.yml`, at(name), "--dry-run"];
    const { kind, plan } = await json<{ kind: string; plan: unknown }>(args);
    expect(kind).toBe("merge-plan");
    expect(plan).toEqual(fixtures.golden(`../fixtures/merging/expected/${name}.plan`));
    expect(readdirSync(folder)).not.toContain(name);
  });

  test("says where rows are merged that stand for other tokens", async () => {
    const inputs = ["base", "shuffled"].map((name) => `{model: models/llama-${name}}`);
    const config = `merge_method: linear, parameters: {weight: 1}, models: [${inputs.join(", ")}]`;
    const plain = await resolvent(["merge", "-", "--dry-run"], { input: `{${config}}` });
    expect(plain.code).toBe(0);
    expect(plain.stdout).toMatch(/At \d+ of 24 ids models\/llama-shuffled has other tokens than/);
    const input = `{${config}, tokenizer_source: union}`;
    expect((await resolvent(["merge", "-", "--dry-run"], { input })).stdout).not.toContain(
      "other tokens",
    );
  });

  const refused = fixtures.golden<{ file: string; why: string; code: string }[]>(
    "../fixtures/merging/invalid",
  );
  /** What the process ends with, where that is not 2: faults of files, and numbers that are not finite. */
  const ends: Readonly<Record<string, number>> = {
    ...{
      "checkpoint/shard-missing": 3,
      "checkpoint/shard-path": 3,
      "checkpoint/tensor-missing": 3,
    },
    ...{ "merge/unexpected-tensor": 3, "merge/not-finite": 6 },
  };

  test.each(refused)("refuses $file: $why", async ({ file, code }) => {
    const ran = await resolvent(["merge", `invalid/${file}`, at(file)]);
    expect(ran.code, ran.stderr).toBe(ends[code] ?? 2);
    expect(ran.stderr).toMatch(/\[(?:merge|weights|cli)\/[a-z0-9-]+\]\n$/);
    expect(ran.stdout).toBe("");
    expect(existsSync(at(file))).toBe(false);
    // What stopped in the middle has left something, and says so.
    const left = existsSync(at(`${file}.merging`));
    expect(left).toBe(code === "merge/not-finite");
    expect(ran.stderr.includes(`${file}.merging keeps what is done`)).toBe(left);
  });
});

describe("merge", () => {
  inFolder(folder);
  const sum =
    "{merge_method: linear, parameters: {weight: 1}, models: [{model: one}, {model: two}]}";
  beforeAll(async () => {
    await writeModel(at("one"), "gpt2", { seed: 1 });
    await writeModel(at("two"), "gpt2", { seed: 2 });
    await writeModel(at("wide"), "gpt2", { seed: 3, n_embd: 32 });
    await writeFile(at("sum.yml"), sum);
  });

  test("writes a model, and says what it has written", async () => {
    const merge = await json<Merged>(["merge", "sum.yml", "merged/"]);
    const { kind, method, verified, folder: place, files, hashes, model, inputs } = merge;
    expect({ kind, method, verified, place }).toEqual({
      ...{ kind: "merge", method: "linear", verified: true, place: "merged/" },
    });
    expect(model.name).toBe("merged");
    expect(readdirSync(at("merged")).toSorted()).toEqual(files.map(({ name }) => name).toSorted());
    for (const { name, bytes } of files)
      expect(readFileSync(at("merged", name))).toHaveLength(bytes);
    const [one, inspected] = await Promise.all(
      ["one", "merged"].map((name) => json<Inspected>(["inspect", name])),
    );
    expect(hashes.one).toBe(one?.model.sha256);
    expect(model).toEqual({ ...inspected?.model });
    expect(inputs.map(({ name, roles }) => [name, ...roles])).toEqual([
      ["one", "donor", "input"],
      ["two", "input"],
    ]);
    expect(existsSync(at("merged.merging"))).toBe(false);
  });

  test("says together what is made alike", async () => {
    const input = `{merge_method: slerp, base_model: one, models: [{model: one}, {model: two}], parameters: {t: [{filter: mlp, value: 0.5}, {value: [0, 1]}]}}`;
    const { groups } = await json<{
      groups: readonly { tensors: string; count: number; parameters: string; inputs: string }[];
    }>(["merge", "-", "--dry-run"], { input });
    const said = groups.map((own) => [own.tensors, own.count, own.parameters]);
    expect(said).toContainEqual(["transformer.h.0–1.mlp.*.*", 8, "t 0.500"]);
    expect(said).toContainEqual(["transformer.h.1.*", 8, "t 1.00"]);
    expect(said).toHaveLength(3);
    expect(new Set(groups.map(({ inputs }) => inputs))).toEqual(new Set(["one (base), two"]));
  });

  test("never over what is there, whatever is said", async () => {
    await mkdir(at("there"));
    for (const more of [[], ["--overwrite"]]) {
      const { code, stderr } = await resolvent(["merge", "sum.yml", "there", ...more]);
      expect([code, stderr]).toEqual([
        2,
        "resolvent: there is there already. Name another folder: nothing is replaced. [cli/usage]\n",
      ]);
    }
    const { code, stderr } = await resolvent(["merge", "sum.yml", "one/config.json"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("OUT: one/config.json is a file.")]);
    expect(readdirSync(at("there"))).toEqual([]);
  });

  test("takes a configuration from standard input, and a bundled model", async () => {
    const input = "{merge_method: passthrough, models: [{model: attn-only-2l}]}";
    const text = await output(["merge", "-", "--dry-run"], { input });
    expect(text).toContain("passthrough, 2 blocks: attn-only-2l");
    expect(text).toContain("Nothing is written.");
    const { code, stderr } = await resolvent(["merge", "-"], { input });
    expect([code, stderr]).toEqual([2, expect.stringContaining("[merge/no-folder]")]);
  });

  test("refuses what does not go together, and says what to do", async () => {
    const faults: readonly (readonly [config: string, code: number, says: string])[] = [
      [sum.replace("two", "wide"), 2, "[merge/shape]"],
      [sum.replace("two", "three"), 2, '"three" is neither a bundled model nor a folder'],
      [sum.replace("weight", "wieght"), 2, "parameters.wieght"],
      [sum.replace("two", "openai-community/gpt2@main"), 2, "openai-community/gpt2"],
    ];
    for (const [input, code, says] of faults) {
      const ran = await resolvent(["merge", "-", "out"], { input });
      expect([ran.code, ran.stdout]).toEqual([code, ""]);
      expect(ran.stderr).toContain(says);
    }
    const nowhere = await resolvent(["merge", "sum.yml", "no/such/out"]);
    expect([nowhere.code, nowhere.stderr]).toEqual([
      2,
      expect.stringContaining("[cli/unwritable]"),
    ]);
    expect(readdirSync(folder)).not.toContain("out.merging");
  });

  test("interrupted, it says where it goes on, and gives the same bytes", async () => {
    const args = ["merge", "sum.yml", "stopped", "--shard-bytes", "1000", "--no-verify"];
    const controller = new AbortController();
    const stop = setInterval(() => {
      const begun = existsSync(at("stopped.merging", "model"));
      if (begun && readdirSync(at("stopped.merging", "model")).length > 0) controller.abort();
    });
    const { code, stderr, stdout } = await run(await builtInFor(args), args, {
      signal: controller.signal,
    });
    clearInterval(stop);
    expect([code, stdout]).toEqual([130, ""]);
    expect(stderr).toBe(
      `Interrupted. stopped.merging has what is done; the same command goes on from there:\n  resolvent ${args.join(" ")}\n`,
    );
    expect(existsSync(at("stopped"))).toBe(false);
    const again = await json<Merged>(args);
    const whole = await json<Merged>(["merge", "sum.yml", "whole", ...args.slice(3)]);
    expect(again.files.length).toBeGreaterThan(5);
    expect(again.files).toEqual(whole.files);
  });
});

interface Merged {
  readonly kind: string;
  readonly method: string;
  readonly verified: boolean;
  readonly folder: string;
  readonly model: { readonly name: string; readonly sha256: string };
  readonly inputs: readonly { readonly name: string; readonly roles: readonly string[] }[];
  readonly hashes: Readonly<Record<string, string>>;
  readonly files: readonly {
    readonly name: string;
    readonly bytes: number;
    readonly sha256: string | null;
  }[];
}

interface Inspected {
  readonly model: { readonly sha256: string };
}
