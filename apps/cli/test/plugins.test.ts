import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { type AnyAnalysis, defineAnalysis } from "@resolvent/analysis";
import type { Option } from "commander";
import { beforeAll, describe, expect, test } from "vitest";
import { analyses } from "../src/analyses.ts";
import { analysisCommand } from "../src/commands/analysis.ts";
import { terminalOf } from "../src/terminal.ts";
import { ended, start } from "./command.ts";
import { temporaryFolder, writeModel } from "./models.ts";
import { type Ran, run } from "./program.ts";

const folder = realpathSync(temporaryFolder());
const env = { XDG_DATA_HOME: join(folder, "data") };
let model: string;
beforeAll(async () => {
  model = await writeModel(join(folder, "small"), "gpt2");
});

/** The source of an analysis by somebody who knows the contract and no library of ours. */
const source = (
  name: string,
  { run: work = "", properties = "top: { type: 'integer', default: 3 }", more = "" } = {},
): string => `{
  name: ${JSON.stringify(name)}, summary: "counts layers", description: "Counts layers.",
  params: { "~standard": { version: 1, vendor: "own", validate: (value) => ({ value }),
    jsonSchema: { input: () => ({ type: "object", properties: { ${properties} } }), output: () => ({}) } } },
  estimate: () => ({ flops: 1e9, matmulFlops: 0, bytesMoved: 0, peakBytes: 1 }),
  run: async ({ model }, { top = 3 }) => {
    ${work}
    return { schemaVersion: 4, kind: "layers", model: { name: model.name, sha256: null, architecture: "x" }, top, n: model.architecture.layers };
  },
  tables: ({ n }) => [{ kind: "layer", columns: [{ name: "n", kind: "count" }], rows: [[n]] }],
  ${more}
}`;

/** Writes a plug-in and gives its folder. */
function plugin(
  name: string,
  code: string,
  { at = folder, ...manifest }: { readonly at?: string; readonly resolvent?: object } = {},
): string {
  const place = join(at, name);
  mkdirSync(place, { recursive: true });
  const described = { name, version: "1.2.0", description: "Layers, counted.", type: "module" };
  writeFileSync(
    join(place, "package.json"),
    JSON.stringify({ ...described, exports: { ".": { default: "./main.js" } }, ...manifest }),
  );
  writeFileSync(join(place, "main.js"), code);
  return place;
}

const list = (...sources: readonly string[]): string =>
  `export const analyses = [${sources.join(",")}];`;

/** Runs a command line with the built-in analyses, and plug-ins from a folder. */
const resolvent = async (
  args: readonly string[],
  options: { readonly at?: string; readonly answer?: string; readonly data?: string } = {},
): Promise<Ran> => {
  const { at = folder, data = env.XDG_DATA_HOME, ...person } = options;
  const places = { folder: at, env: { XDG_DATA_HOME: data } };
  return await run(analyses, args, { places, ...person });
};

describe("a plug-in that is named", () => {
  test("gets a command with help, dry run, and every format", async () => {
    const place = plugin("layers", list(source("layers")), {
      resolvent: { asks: ["network: \u001b[31mlabels"] },
    });
    const first = await resolvent(["layers", model, "--plugin", "./layers"]);
    expect(first.stdout).toMatch(/n\n2\n/);
    expect(first.stderr).toContain(`Plug-in layers 1.2.0:\n  Layers, counted.\n  It is ${place}.`);
    expect(first.stderr).toContain("It asks for network: \\u001b[31mlabels; as a program");
    const again = async (...args: readonly string[]): Promise<Ran> =>
      await resolvent([...args, "--plugin=layers"]);
    const json = await again("layers", model, "--top", "7", "--json");
    expect(json.stderr).toBe(""); // what it is, is said once
    expect(JSON.parse(json.stdout)).toMatchObject({
      schemaVersion: 4,
      kind: "layers",
      top: 7,
      n: 2,
    });
    expect((await again("layers", model, "--format", "csv")).stdout).toBe("n\n2\n");
    expect((await again("layers", model, "--dry-run")).stdout).toMatch(/^1\.00 GFLOP/);
    expect((await again("layers", "--help")).stdout).toMatch(/Counts layers\.[\s\S]*--top <n>/);
    expect((await again("--help")).stdout).toMatch(/layers \[options\] <model> +counts layers/);
    expect((await again("layers", model, "--top", "x")).code).toBe(2);
  });

  test("is a package in node_modules above, or a file", async () => {
    plugin("deep", list(source("deep-layers")), { at: join(folder, "node_modules", "@own") });
    const below = join(folder, "a", "b");
    await mkdir(below, { recursive: true });
    const named = await resolvent(["deep-layers", model, "--plugin", "@own/deep"], { at: below });
    expect(named.stdout).toMatch(/n\n2\n/);
    await writeFile(join(folder, "one.mjs"), list(source("from-file")));
    const file = await resolvent(["from-file", model, "--plugin", join(folder, "one.mjs")]);
    expect(file.stdout).toMatch(/n\n2\n/);
  });

  test.each([
    ["a name that is nowhere", "nobody", "cli/no-plugin"],
    ["a path that is nowhere", "./nobody", "cli/no-plugin"],
    ["a path that leads out of here", "../../etc", "cli/bad-plugin"],
    ["a folder without a package", "./small", "cli/bad-plugin"],
  ])("says what is wrong with %s", async (_, name, code) => {
    const ran = await resolvent(["anything", model, "--plugin", name]);
    expect(ran.stderr).toContain(code);
    expect(ran.code).toBe(2);
  });

  test("--plugin needs a value", async () => {
    expect((await resolvent(["layers", model, "--plugin"])).stderr).toContain("cli/usage");
  });

  test("an entry outside of the package is refused", async () => {
    const place = plugin("leaves", list(source("leaves")));
    const out = { name: "leaves", exports: "../one.mjs" };
    await writeFile(join(place, "package.json"), JSON.stringify(out));
    const ran = await resolvent(["leaves", model, "--plugin", "./leaves"]);
    expect(ran.stderr).toMatch(/exports \.\.\/one\.mjs, which is outside of it.*cli\/bad-plugin/);
  });
});

describe("a plug-in of a configuration", () => {
  const project = join(folder, "project");
  const data = join(folder, "other-data");
  beforeAll(async () => {
    plugin("listed", `console.log("loaded"); globalThis.listed = true; ${list(source("listed"))}`, {
      at: project,
    });
    await mkdir(join(project, "deep"));
    await writeFile(
      join(project, "resolvent.config.json"),
      JSON.stringify({ plugins: ["./listed"] }),
    );
  });
  const loaded = (): boolean => "listed" in globalThis;
  const here = { at: join(project, "deep"), data };

  test("is shown and not loaded where nobody can be asked, or says no", async () => {
    const alone = await resolvent(["listed", model], here);
    expect(alone.code).toBe(2);
    expect(alone.stderr).toContain(
      `Plug-in listed 1.2.0, which ${join(project, "resolvent.config.json")} lists:`,
    );
    expect(alone.stderr).toContain("listed is not loaded. --trust loads it without asking.");
    expect((await resolvent(["listed", model], { ...here, answer: "" })).code).toBe(2);
    expect(loaded()).toBe(false);
  });

  test("costs built-in commands nothing, not a word", async () => {
    const ran = await resolvent(["inspect", model, "--json"], here);
    expect(ran.stderr).toBe("");
    expect(JSON.parse(ran.stdout).kind).toBe("inspection");
    expect((await resolvent(["--version"], here)).stderr).toBe("");
  });

  test("is loaded by --trust for once, and by a yes for good", async () => {
    expect((await resolvent(["listed", model, "--trust"], here)).stdout).toMatch(/n\n2\n/);
    expect(loaded()).toBe(true);
    expect((await resolvent(["listed", model], here)).code).toBe(2);
    const asked = await resolvent(["listed", model], { ...here, answer: "y" });
    expect(asked.stderr).toContain("Load it, now and in future? [y/N] ");
    expect(asked.stdout).toMatch(/n\n2\n/);
    const then = await resolvent(["listed", model], here);
    expect(then).toMatchObject({ code: 0, stderr: "" });
    const kept = JSON.parse(await readFile(join(data, "resolvent", "trusted.json"), "utf8"));
    expect(kept).toEqual({ places: [join(project, "listed")] });
  });

  test.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["other fields", '{"plugins":[],"run":"x"}'],
    ["no texts", '{"plugins":[1]}'],
    ["too long", `{"plugins":["${"x".repeat(2 ** 18)}"]}`],
  ])("a configuration that is %s is said, and costs nothing else", async (what, text) => {
    const at = join(folder, `config ${what}`);
    await mkdir(at);
    await writeFile(join(at, "resolvent.config.json"), text);
    const help = await resolvent(["--help"], { at });
    expect(help.stderr).toMatch(/resolvent\.config\.json (cannot be read|has ).*cli\/bad-plugin/);
    expect(help.code).toBe(0);
  });

  test("a plug-in behind a link is trusted by where it is", async () => {
    const at = join(folder, "linked");
    await mkdir(at);
    await symlink(join(project, "listed"), join(at, "link"));
    await writeFile(join(at, "resolvent.config.json"), '{"plugins":["./link"]}');
    expect((await resolvent(["listed", model], { at, data })).stdout).toMatch(/n\n2\n/);
  });
});

describe("a plug-in that is wrong harms only itself, and is named", () => {
  test.each<[string, string, RegExp]>([
    ["throws-at-import", "throw new Error('no luck');", /cannot be loaded: no luck/],
    ["exports-nothing", "export const other = 1;", /exports no list `analyses`/],
    ["lists-words", "export const analyses = ['x'];", /is no analysis/],
    ["odd-name", list(source("Odd Name")), /words of lower case/],
    ["takes-a-command", list(source("expand")), /a command expand already/],
    ["takes-help", list(source("help")), /a command help already/],
    [
      "takes-an-option",
      list(source("x-y", { properties: "format: { type: 'string' }" })),
      /has a parameter format, which a host has an option of its own for/,
    ],
    [
      "odd-parameters",
      list(source("x-y", { properties: "a: { type: 'object' }" })),
      /which is no boolean/,
    ],
    ["odd-examples", list(source("x-y", { more: "examples: 5" })), /is no analysis/],
  ])("%s", async (name, code, said) => {
    const good = source(`${name}-good`);
    plugin(name, code.endsWith("];") ? code.replace(/\];$/, `, ${good}];`) : code);
    plugin("innocent", list(source("innocent")));
    const both = ["--plugin", `./${name}`, "--plugin", "./innocent"];
    const ran = await resolvent(["innocent", model, ...both]);
    expect(ran.stdout).toMatch(/n\n2\n/);
    expect(ran.stderr).toMatch(new RegExp(`The plug-in ${name}: .*cli/plugin-failed`));
    expect(ran.stderr).toMatch(said);
    const help = await resolvent(["--help", ...both]);
    expect(help.code).toBe(0);
    if (code.endsWith("];")) expect(help.stdout).toContain(`${name}-good`);
  });

  test.each<[string, Parameters<typeof source>[1], RegExp]>([
    ["throws", { run: "null.x;" }, /throws failed while it ran: Cannot read[\s\S]*at .*main\.js/],
    ["gives-nothing", { run: "return;" }, /gives-nothing gave undefined instead of an object/],
    ["gives-no-kind", { run: "return {};" }, /gives-no-kind gave a result without a kind/],
    ["no-tables", { more: "tables: () => 'x'" }, /no-tables gave tables that are none/],
    ["bad-tables", { more: "tables: () => null.x" }, /failed while it made its tables/],
    ["bad-estimate", { more: "estimate: () => null.x" }, /failed while it estimated its cost/],
    ["bad-needs", { more: "needs: ['luck']" }, /bad-needs needs "luck"/],
  ])("%s ends with its name", async (name, parts, said) => {
    plugin(name, list(source(name, parts)));
    const ran = await resolvent([name, model, "--plugin", `./${name}`]);
    expect(ran.code).not.toBe(0);
    expect(ran.stdout).toBe("");
    expect(ran.stderr).toMatch(said);
  });

  test.each([
    ["in a loop", "for (;;) {}", "run"],
    ["on a promise that nothing keeps", "await new Promise(() => {});", "run"],
    ["in a loop at import", "for (;;) {}", "import"],
  ])("one that hangs %s ends at once on Ctrl-C", async (what, code, when) => {
    const name = `hangs-${what.replaceAll(" ", "-")}`;
    // Written at once: a thread in a loop comes to send nothing.
    const line = `(await import("node:fs")).writeSync(2, "begun\\n");`;
    const own = list(source(name, when === "run" ? { run: `${line}${code}` } : {}));
    const place = plugin(name, when === "run" ? own : `${line}${code}${own}`);
    const child = start([name, model, "--plugin", place], { env });
    const ending = ended(child);
    let heard = "";
    await new Promise<void>((resolve, reject) => {
      child.stderr?.on("data", (part) => {
        heard += String(part);
        if (heard.includes("begun")) resolve();
      });
      child.on("close", () => reject(new Error(`It ended by itself: ${heard}`)));
    });
    child.kill("SIGINT");
    // Left alone it never ends; the limit is for a busy machine, and far below any time that one might be left to end.
    const late = after(10_000, { code: null }, { ref: false });
    const { code: exit } = await Promise.race([ending, late]);
    expect(exit).toBe(130);
  });
});

describe("a plug-in that has a schema of its results", () => {
  const schema = (kind: string, version: number, n = "number"): string =>
    `resultSchema: { type: "object", properties: { kind: { const: "${kind}" }, schemaVersion: { const: ${version} }, n: { type: "${n}" } }, required: ["n"] }`;

  test("has it printed and listed, and its results held against it", async () => {
    plugin("with-schema", list(source("schema-layers", { more: schema("layers", 4) })));
    const run = async (...args: readonly string[]): Promise<Ran> =>
      await resolvent([...args, "--plugin", "with-schema"]);
    expect((await run("schema-layers", model, "--json")).code).toBe(0);
    const { stdout } = await run("schema", "layers");
    expect(JSON.parse(stdout)).toMatchObject({ properties: { schemaVersion: { const: 4 } } });
    const kinds = (await run("schema")).stdout.trim().split("\n");
    expect(kinds).toEqual([...kinds].sort());
    expect(kinds).toEqual(expect.arrayContaining(["layers", "paths"]));
    expect((await run("schema", "paths")).stdout).toContain('"title": "paths"');
    expect((await resolvent(["schema", "layers"])).stderr).toContain("There is no kind of result");
  });

  test.each([
    [
      "of another kind",
      schema("other-layers", 4),
      "a result of the kind layers, where its schema is of other-layers",
    ],
    [
      "of another version",
      schema("layers", 3),
      "a result of version 4 of layers, where its schema is of version 3",
    ],
    [
      "of another shape",
      schema("layers", 4, "string"),
      "not as its schema says: n is a number, where a text belongs",
    ],
  ])("is named where a result is %s", async (what, more, said) => {
    const name = what.replaceAll(" ", "-");
    plugin(name, list(source("odd-layers", { more })));
    const { code, stderr, stdout } = await resolvent(["odd-layers", model, "--plugin", name]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr.replace(/\s+/g, " ")).toContain(`The plug-in ${name}: odd-layers gave`);
    expect(stderr.replace(/\s+/g, " ")).toContain(said);
  });

  test.each([
    [
      "a built-in kind",
      [source("own-paths", { more: schema("paths", 1) })],
      /own-paths gives results of the kind paths, which is that of a built-in/,
    ],
    [
      "a kind in two versions",
      [
        source("first-layers", { more: schema("layers", 1) }),
        source("second-layers", { more: schema("layers", 2) }),
      ],
      /second-layers gives results of the kind layers in version 2, of which there is version 1 with/,
    ],
    [
      "no kind",
      [source("no-kind", { more: "resultSchema: { type: 'object' }" })],
      /does not say which kind and which version/,
    ],
  ])("is not added for %s", async (what, sources, said) => {
    const name = what.replaceAll(" ", "-");
    plugin(name, list(...sources));
    const { stderr } = await resolvent(["schema", "layers", "--plugin", name]);
    expect(stderr.replace(/\s+/g, " ")).toMatch(said);
    expect(stderr).toContain(`The plug-in ${name}`);
  });
});

test("every option that commands have for all analyses is reserved", () => {
  const terminal = terminalOf(
    { stdin: false, stdout: false, stderr: false, columns: undefined },
    {},
    {
      stdout: { write: () => {} },
      stderr: { write: () => {} },
      readInput: async () => new Uint8Array(),
    },
  );
  const bare = {
    ...analyses.find(({ name }) => name === "linearity"),
    params: {
      "~standard": {
        version: 1,
        vendor: "own",
        validate: () => ({ value: {} }),
        jsonSchema: { input: () => ({ type: "object" }), output: () => ({}) },
      },
    },
    float64: true,
  } as unknown as AnyAnalysis; // all that commands have is there: a page, resuming, float64
  const command = analysisCommand(bare, terminal, new AbortController().signal, []);
  const names = command.options.map((option: Option) => option.attributeName());
  expect(names).toContain("html");
  expect(names).toContain("maxMemory");
  for (const name of [...names, "help", "version", "plugin", "trust", "tokens", "constructor"]) {
    const jsonSchema = {
      input: () => ({ type: "object", properties: { [name]: { type: "string" } } }),
      output: () => ({}),
    };
    const params = { "~standard": { ...bare.params["~standard"], jsonSchema } };
    expect(() => defineAnalysis({ ...bare, params })).toThrow(/has a parameter/);
  }
});
