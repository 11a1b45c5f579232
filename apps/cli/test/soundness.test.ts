import { open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Analysis,
  defineAnalysis,
  modelFacts,
  type Prompt,
  type Result,
} from "@resolvent/analysis";
import { parameters, promptParameter } from "@resolvent/analysis/parameters";
import { cost } from "@resolvent/tensor";
import { beforeAll, describe, expect, test } from "vitest";
import { analyses } from "../src/analyses.ts";
import { temporaryFolder, writeModel } from "./models.ts";
import { run } from "./program.ts";

const folder = temporaryFolder();
let model: string;
beforeAll(async () => {
  model = await writeModel(join(folder, "small"), "gpt2");
  await writeFile(join(folder, "corpus.txt"), "ab cd ef gh\nij kl mn op\nqr st uv wx\n".repeat(4));
});

/** What came of it, of which some is at fault. */
interface Given extends Omit<Result, "warnings"> {
  readonly terms: readonly { readonly size: number; readonly sizes: readonly number[] }[];
  readonly precision?: "f32" | "f64";
  readonly certificate?: unknown;
  readonly inside?: unknown;
  readonly warnings?: unknown;
}

/** An analysis from elsewhere: nothing in it knows of exit codes. */
const contributed = (
  given: Omit<Given, "schemaVersion" | "kind" | "model">,
): Analysis<{ prompt: Prompt }, Given & Result> =>
  defineAnalysis<{ prompt: Prompt }, Given & Result>({
    name: "given",
    summary: "what it was given",
    description: "Gives what it was given.",
    params: parameters({ prompt: promptParameter("a text") }),
    estimate: () => cost().total(),
    run: async ({ model }) => ({
      schemaVersion: 1,
      kind: "given",
      model: modelFacts(model),
      ...(given as Omit<Given & Result, keyof Result>), // contributed code may give anything
    }),
    tables: ({ terms }) => [
      {
        kind: "term",
        field: "terms",
        columns: [{ name: "size", kind: "number" }],
        rows: terms.map(({ size }) => [size]),
      },
    ],
  });

const give = (
  given: Omit<Given, "schemaVersion" | "kind" | "model">,
  ...args: string[]
): ReturnType<typeof run> => run([contributed(given)], ["given", model, "--prompt", "a", ...args]);

const term = (size: number, ...sizes: number[]) => ({ size, sizes });
const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

describe("a contributed analysis", () => {
  test.each([
    [{ terms: [term(1, 2)], certificate: { relativeError: 1e-7 } }],
    [{ terms: [], certificate: null }],
    [{ terms: [], certificate: { relativeError: null, relativeErrorFloat64: null } }],
    [{ terms: [], precision: "f64" as const, certificate: { relativeError: 9e-10 } }],
    [{ terms: [], certificate: { relativeError: 5e-4, relativeErrorFloat64: 1e-15 } }],
    [{ terms: [], certificate: { relativeError: 0.5, tolerance: 1 } }],
    [{ terms: [], inside: { certificate: { relativeError: 0 } } }],
  ])("that is sound ends with 0: %j", async (given) => {
    const { code, stdout, stderr } = await give(given, "--json");
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).not.toHaveProperty("notFinite");
  });

  test.each([
    [{ terms: [term(nan)] }, [{ at: "terms[0].size", value: "NaN", count: 1 }]],
    [
      { terms: [term(1, 2, -infinity)] },
      [{ at: "terms[0].sizes[1]", value: "-Infinity", count: 1 }],
    ],
    [
      { terms: [term(1, nan, nan), term(infinity, nan)] },
      [
        { at: "terms[0].sizes[0]", value: "NaN", count: 3 },
        { at: "terms[1].size", value: "Infinity", count: 1 },
      ],
    ],
    [{ terms: [], inside: { a: [{ b: nan }] } }, [{ at: "inside.a[0].b", value: "NaN", count: 1 }]],
    [
      { terms: [], certificate: { relativeError: nan } },
      [{ at: "certificate.relativeError", value: "NaN", count: 1 }],
    ],
  ])("with a number that is not finite ends with 6: %o", async (given, notFinite) => {
    const json = await give(given, "--json");
    expect(json.code).toBe(6);
    expect(json.stderr).toMatch(/not finite.*\[cli\/unsound-result\]/);
    const result = JSON.parse(json.stdout);
    expect(result.notFinite).toEqual(notFinite);
    expect(result.warnings).toMatchObject([{ code: "not-finite" }]);
    expect(result.terms).toEqual(JSON.parse(JSON.stringify(given.terms)));
    const lines = (await give(given, "--format", "ndjson")).stdout.split("\n");
    expect(JSON.parse(lines[0] ?? "").notFinite).toEqual(notFinite);
    const table = await give(given);
    expect([table.code, table.stdout]).toEqual([
      6,
      expect.stringContaining(`warning: ${result.warnings[0].message}`),
    ]);
    const csv = await give(given, "--format", "csv");
    expect([csv.code, csv.stderr]).toEqual([6, json.stderr]);
    expect(csv.stdout).toBe(`size\n${given.terms.map(({ size }) => `${size}\n`).join("")}`);
    const path = join(folder, "result.json");
    const kept = await give(given, "--output", path, "--overwrite");
    expect([kept.code, await readFile(path, "utf8")]).toEqual([6, json.stdout]);
  });

  test.each([
    [{ certificate: { relativeError: 2e-3 } }, "certificate.relativeError", 1e-3],
    [
      { precision: "f64" as const, certificate: { relativeError: 2e-9 } },
      "certificate.relativeError",
      1e-9,
    ],
    [
      { certificate: { relativeError: 0, relativeErrorFloat64: 2e-9 } },
      "certificate.relativeErrorFloat64",
      1e-9,
    ],
    [{ certificate: { relativeError: 2e-8, tolerance: 1e-8 } }, "certificate.relativeError", 1e-8],
    [{ inside: { certificate: { relativeError: 1 } } }, "inside.certificate.relativeError", 1e-3],
    [{ certificate: { enumeratedError: 0.1 } }, "certificate.enumeratedError", 1e-3],
  ])("whose terms do not add up ends with 6: %j", async (given, at, tolerance) => {
    const { code, stdout, stderr } = await give({ terms: [term(1)], ...given }, "--json");
    expect(code).toBe(6);
    expect(stderr).toMatch(/do not add up/);
    const { warnings, terms } = JSON.parse(stdout);
    expect(terms).toEqual([term(1)]);
    expect(warnings).toMatchObject([{ code: "unbalanced" }]);
    expect(warnings[0].message).toContain(`${at} is `);
    expect(warnings[0].message).toMatch(
      new RegExp(`above ${tolerance < 1e-3 ? tolerance.toExponential(1) : "0.00100"}`),
    );
  });

  test("keeps its own warnings, and none is there twice", async () => {
    const own = [{ code: "unbalanced", message: "As I said." }];
    const given = { terms: [term(nan)], certificate: { relativeError: 1 }, warnings: own };
    const { code, stdout } = await give(given, "--json");
    expect(code).toBe(6);
    const { warnings } = JSON.parse(stdout);
    expect(warnings.map((one: { code: string }) => one.code)).toEqual(["unbalanced", "not-finite"]);
    expect(warnings[0]).toEqual(own[0]);
  });
});

/** A copy of the model in which the first number of a tensor is another one. */
async function poisoned(name: string, tensor: string, value: number): Promise<string> {
  const path = await writeModel(join(folder, name), "gpt2");
  const file = await open(join(path, "model.safetensors"), "r+");
  try {
    const head = Buffer.alloc(8);
    await file.read(head, 0, 8, 0);
    const size = Number(head.readBigUInt64LE());
    const text = Buffer.alloc(size);
    await file.read(text, 0, size, 8);
    const header = JSON.parse(text.toString());
    const found = Object.keys(header).find((key) => key.endsWith(tensor));
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(value);
    expect(header[found ?? ""].dtype).toBe("F32");
    await file.write(bytes, 0, 4, 8 + size + header[found ?? ""].data_offsets[0]);
  } finally {
    await file.close();
  }
  return path;
}

describe("weights that are not finite are never kept quiet about", () => {
  const commands: readonly (readonly string[])[] = [
    ["expand", "--prompt", "abc"],
    ["expand", "--prompt", "abc", "--freeze", "none"],
    ["paths", "--prompt", "abc", "--target", "a,b"],
    ["qk", "--prompt", "abc", "--head", "L1.H0"],
    ["patch", "--prompt", "abc", "--corrupt", "abd", "--target", "a,b"],
    ["patch", "--prompt", "abc", "--corrupt", "abd", "--target", "a,b", "--method", "eap"],
    ["circuit", "--prompt", "abc", "--corrupt", "abd", "--target", "a,b"],
    ["series", "--prompt", "abc"],
    ["interactions", "--prompt", "abc"],
    ["linearity", "--corpus", join(folder, "corpus.txt"), "--lens-passes", "0"],
    ["heads"],
    ["run", "--prompt", "abc"],
  ];
  test.each(
    commands.flatMap((command) =>
      [
        ["nan", "h.0.attn.c_attn.weight", Number.NaN],
        ["inf", "h.0.attn.c_proj.weight", Number.POSITIVE_INFINITY],
        ["nan-late", "h.1.attn.c_attn.weight", Number.NaN],
      ].map(([name, tensor, value]) => ({ command, name, tensor, value }) as const),
    ),
  )(
    "$command, $name in $tensor",
    { timeout: 120_000 },
    async ({ command, name, tensor, value }) => {
      const path = await poisoned(String(name), String(tensor), Number(value));
      await neverQuiet(path, command);
    },
  );

  test("ov, of a head whose own weights it is", async () => {
    const path = await poisoned("out", "h.0.attn.c_proj.weight", Number.POSITIVE_INFINITY);
    await neverQuiet(path, ["ov", "--head", "L0.H0"]);
  });

  async function neverQuiet(path: string, [analysis = "", ...rest]: readonly string[]) {
    const { code, stdout, stderr } = await run(analyses, [analysis, path, ...rest, "--json"]);
    // A result in full, or none: an error that names what is not finite.
    expect(code).toBe(6);
    if (stdout !== "") expect(JSON.parse(stdout).notFinite.length).toBeGreaterThan(0);
    expect(stderr).toMatch(/not finite|NaN|infinit/i);
    expect(stderr).not.toMatch(/this is a bug/);
  }
});
