import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeNumbers, openCheckpoint } from "@resolvent/weights";
import { folderOf, writeSafetensorsFile } from "@resolvent/weights/node";
import { beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder, writeModel } from "./models.ts";
import { json, resolvent } from "./program.ts";

interface Warned {
  readonly warnings?: readonly { readonly code: string; readonly message: string }[];
}

const folder = temporaryFolder();
const NAME = "transformer.h.1.mlp.c_proj.weight";

/** A tiny GPT-2 with one of its tensors changed. */
async function withTensor(path: string, change: (x: number, i: number) => number): Promise<string> {
  const whole = await writeModel(`${path}-whole`, "gpt2");
  await writeModel(path, "gpt2");
  const checkpoint = await openCheckpoint(folderOf(whole));
  await writeSafetensorsFile(
    join(path, "model.safetensors"),
    checkpoint.names.map((name) => ({
      ...{ name, dtype: "F32", shape: checkpoint.info(name).shape },
      bytes: async () => {
        const numbers = await checkpoint.numbers(name, "f32");
        return encodeNumbers(name === NAME ? numbers.map(change) : numbers, "F32", name);
      },
    })),
    { overwrite: true },
  );
  return path;
}

/** The same model with further fields in its config. */
async function withFields(path: string, fields: object): Promise<string> {
  const model = await writeModel(path, "gpt2");
  const file = join(model, "config.json");
  const config: object = JSON.parse(await readFile(file, "utf8"));
  await writeFile(file, JSON.stringify({ ...config, ...fields }));
  return model;
}

let spoiled: string;
let overflowing: string;
beforeAll(async () => {
  spoiled = await withTensor(join(folder, "nan"), (x, i) => (i === 18 ? Number.NaN : x));
  overflowing = await withTensor(join(folder, "overflow"), (x) => x * 3e38);
});

const tokens = ["--tokens", "3,1,4"];
const target = ["--target", "a,b"];

describe("a weight that is NaN is named", () => {
  test.each<[command: string, ...args: string[]]>([
    ["run", ...tokens],
    ["expand", ...tokens],
    ["paths", ...tokens, ...target],
    ["qk", ...tokens, "--head", "L1.H1"],
    ["patch", ...tokens, "--corrupt-tokens", "3,1,5", ...target],
    ["series", ...tokens],
    ["interactions", ...tokens],
    ["heads"],
    ["ov", "--head", "L1.H1"],
    ["profile", ...tokens],
    ["inspect"],
  ])("by %s, on standard error and in the result", async (command, ...args) => {
    const said = `${NAME}[1, 2] is NaN: 1 of the tensor's 1024 weights is not finite`;
    const { stdout, stderr } = await resolvent([command, spoiled, ...args, "--json"]);
    expect(stderr).toContain(`warning: ${said}`);
    expect(stderr.split(said)).toHaveLength(2); // once
    const { warnings } = JSON.parse(stdout) as Warned;
    expect(warnings?.[0]).toMatchObject({
      code: "not-finite",
      message: expect.stringContaining(said),
    });
  });

  test("by a command that ends with an error, and where layers are streamed", async () => {
    const circuit = ["circuit", spoiled, ...tokens, "--corrupt-tokens", "3,1,5", ...target];
    const failed = await resolvent(circuit);
    expect(failed.code).not.toBe(0);
    expect(failed.stderr).toContain(`warning: ${NAME}[1, 2] is NaN`);
    const { stderr } = await resolvent(["run", spoiled, ...tokens, "--stream", "--json"]);
    expect(stderr).toContain(`warning: ${NAME}[1, 2] is NaN`);
  });
});

test("numbers that leave the engine's range: the result says where, and the first site", async () => {
  const { code, stdout, stderr } = await resolvent(["run", overflowing, ...tokens, "--json"]);
  const { warnings = [] } = JSON.parse(stdout) as Warned;
  expect(warnings.map((warning) => warning.code)).toEqual(["not-finite-site", "not-finite"]);
  expect(warnings[0]?.message).toMatch(/first site .* is L1\.mlp\.write\.$/);
  expect(warnings[1]?.message).toMatch(/not finite: loss is /);
  expect(stderr).toContain(`warning: ${warnings[0]?.message}\n`);
  expect(stderr).toContain(`resolvent: ${warnings[1]?.message}`);
  expect(code).toBe(6);
  // In float64 there is room for them.
  const exact = await json<Warned>(["run", overflowing, ...tokens, "--precision", "f64"]);
  expect(exact.warnings).toEqual([]);
});

describe("what a config says beside the model is said", () => {
  test("in every format on standard error, and in the result", async () => {
    const model = await withFields(join(folder, "trick"), { my_trick: 3, auto_map: { A: "m.A" } });
    for (const format of ["table", "json", "ndjson", "csv"]) {
      const { code, stdout, stderr } = await resolvent([
        "run",
        model,
        ...tokens,
        "--format",
        format,
      ]);
      expect(code).toBe(0);
      expect(stderr).toMatch(/^warning: .*my_trick\.\nwarning: .*auto_map/);
      if (format === "table" || format === "csv") continue;
      const result = JSON.parse(format === "json" ? stdout : (stdout.split("\n")[0] ?? ""));
      expect((result as Warned).warnings?.map((warning) => warning.code)).toEqual([
        "unknown-config-keys",
        "custom-code",
      ]);
    }
  });

  test("beside the warnings that an analysis has of its own, in its tables too", async () => {
    const model = await withFields(join(folder, "series"), { my_trick: 3 });
    const { warnings } = JSON.parse(
      (await resolvent(["series", model, ...tokens, "--order", "2", "--json"])).stdout,
    ) as Warned;
    expect(warnings?.[0]?.code).toBe("unknown-config-keys");
    const { stdout } = await resolvent(["series", model, ...tokens, "--order", "2"]);
    expect(stdout).toContain("my_trick");
  });

  test("and nothing where there is nothing to say", async () => {
    const model = await writeModel(join(folder, "plain"), "gpt2");
    expect((await json<Warned>(["run", model, ...tokens])).warnings).toEqual([]);
  });

  test("what changes the numbers is refused with the code of what is not supported", async () => {
    const model = await withFields(join(folder, "cap"), { final_logit_softcapping: 30 });
    const { code, stderr } = await resolvent(["run", model, ...tokens]);
    expect(code).toBe(4);
    expect(stderr).toContain("final_logit_softcapping = 30");
  });
});
