import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Analysis,
  type AnyAnalysis,
  defineAnalysis,
  describeParameters,
  inputLine,
  type ModelFacts,
  modelFacts,
  type Prompt,
  type Result,
  type TokenName,
  tokenFacts,
} from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import { run as forward, runCost } from "@resolvent/transformer";
import { beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { analyses } from "../src/analyses.ts";
import { idsOf, temporaryFolder, writeModel } from "./models.ts";
import { type Ran, run } from "./program.ts";

const folder = temporaryFolder();
let model: string;
beforeAll(async () => {
  model = await writeModel(join(folder, "small"), "gpt2");
});

interface Parameters {
  readonly prompt: Prompt;
  readonly corrupt?: Prompt | undefined;
  readonly others: readonly Prompt[];
  readonly target: readonly TokenName[];
  readonly which: readonly ("norm" | "length")[];
  readonly sizes: readonly number[];
  readonly unit: "one" | "ten";
  readonly power: number;
  readonly minus?: number | undefined;
  readonly deep: boolean;
  readonly wide: boolean;
  readonly either?: boolean | undefined;
  readonly label?: string | undefined;
}

interface Measured extends Result {
  readonly model: ModelFacts;
  readonly kind: "measured";
  readonly given: Parameters;
  readonly ids: readonly number[];
  readonly targets: readonly number[];
  readonly rank: number;
  readonly float64: number | null;
  readonly norms: readonly { readonly pos: number; readonly norm: number }[];
}

/** How a schema of another library says what a parameter is. */
const promptSchema = z.union([z.string(), z.array(z.int().min(0))]).meta({ format: "prompt" });
const tokenSchema = z.union([z.string().min(1), z.int().min(0)]).meta({ format: "token" });

/** Everything that makes a command is in this one value. Its schema is of zod, which contributed analyses may use. */
const measure: Analysis<Parameters, Measured> = defineAnalysis<Parameters, Measured>({
  name: "measure",
  summary: "how long vectors are",
  description: "Measures the final residual stream of MODEL at every position.",
  params: z
    .object({
      prompt: promptSchema.meta({ format: "prompt", description: "text to read" }),
      corrupt: promptSchema.meta({ format: "prompt", description: "another text" }).optional(),
      others: z.array(promptSchema).default([]).describe("more texts"),
      target: z.array(tokenSchema).default([]).describe("tokens that are looked at"),
      which: z
        .array(z.enum(["norm", "length"]))
        .default(["norm"])
        .describe("what is measured"),
      sizes: z.array(z.number().gt(0).max(100)).default([1, 50]).describe("in percent"),
      unit: z.enum(["one", "ten"]).default("one").describe("what is counted in"),
      power: z.int().min(1).max(4).default(2).meta({ title: "p", description: "of the norm" }),
      minus: z.number().lt(0).optional().describe("something below zero"),
      deep: z.boolean().default(true).describe("all the way down"),
      wide: z.boolean().default(false).describe("all the way across"),
      either: z.boolean().optional().describe("one way or the other"),
      label: z.string().max(5).optional().describe("said beside it"),
    })
    .refine(({ unit, power }) => unit === "one" || power === 2, {
      path: ["power"],
      message: "Only squares are counted in tens",
    }),
  examples: ['tales --prompt "Once"'],
  float64: true,
  estimate: ({ model, vocabulary, precision }, { prompt }) =>
    runCost(model, vocabulary.encode(prompt), { precision }),
  run: async (subject, given) => {
    const { engine, model, vocabulary, signal, onProgress, inFloat64 } = subject;
    signal.throwIfAborted();
    const ids = vocabulary.encode(given.prompt);
    const { residual } = forward(engine, model, ids);
    const read = await engine.read(residual);
    const width = model.architecture.d_model;
    const norms = ids.map((_, pos) => {
      onProgress({ done: pos + 1, total: ids.length, of: "position" });
      return { pos, norm: Math.hypot(...read.data.slice(pos * width, (pos + 1) * width)) };
    });
    const { svd } = await subject.linearAlgebra();
    const { S } = svd(read, "pos", "d_model", "rank");
    const exact = await inFloat64?.(async (engine64, model64) => {
      expect(engine64.precision).toBe("f64");
      const { data } = await engine64.read(forward(engine64, model64, ids).residual);
      return Math.hypot(...data);
    });
    return {
      schemaVersion: 1,
      kind: "measured",
      model: modelFacts(model),
      given,
      ids,
      targets: given.target.map((name) => vocabulary.tokenId(name)),
      rank: S.data.length,
      float64: exact ?? null,
      norms,
    };
  },
  tables: ({ model, ids, norms }) => [
    {
      kind: "position",
      field: "norms",
      title: "Norms",
      subtitle: inputLine(model, tokenFacts(ids, { text: (id) => `<${id}>` })),
      columns: [
        { name: "pos", kind: "count", head: "position" },
        { name: "norm", kind: "effect" },
        { name: "square", kind: "number", detail: true },
      ],
      rows: norms.map(({ pos, norm }) => [pos, norm, norm ** 2]),
      footer: [["sum", norms.reduce((sum, { norm }) => sum + norm, 0)]],
      notes: ["no certificate"],
    },
    {
      kind: "token",
      columns: [
        { name: "pos", kind: "count" },
        { name: "norm", kind: "token" },
        { name: "square", kind: "divergence" },
      ],
      rows: [[0, 'a "b"', 1e-9]],
    },
    {
      kind: "fact",
      view: true,
      columns: [
        { name: "fact", head: "", kind: "text" },
        { name: "share", head: "", kind: "share" },
      ],
      rows: [
        ["half", 0.5],
        ["none", null],
      ],
    },
  ],
});

const call = (...args: string[]): Promise<Ran> =>
  run([measure], ["measure", model, "--threads", "1", ...args]);
const result = async (...args: string[]): Promise<Measured> => {
  const { code, stdout, stderr } = await call(...args, "--json");
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout);
};
const refused = async (args: string[], code: number, ...said: (string | RegExp)[]) => {
  const ran = await call(...args);
  expect(ran.stdout).toBe("");
  for (const part of said) expect(ran.stderr).toMatch(part);
  expect(ran.stderr).not.toMatch(/^ +at |please report/m);
  expect(ran.code).toBe(code);
};

describe("an analysis that a test defines is a command", () => {
  test("a list with commas is one word, so that the model may come after it", async () => {
    const ran = await run(
      [...analyses],
      ["paths", "--target", "id:1,id:2", model, "--tokens", "1,2", "--threads", "1", "--dry-run"],
    );
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
  });

  test("with defaults, weights hashed, decompositions and float64", async () => {
    const found = await result("--prompt", "a cat");
    expect(found).toMatchObject({
      model: { name: "small", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      ids: idsOf("a cat"),
      rank: 5,
      given: {
        ...{ prompt: "a cat", others: [], target: [], which: ["norm"], sizes: [1, 50] },
        ...{ unit: "one", power: 2, deep: true, wide: false },
      },
    });
    for (const name of ["corrupt", "minus", "either", "label"]) {
      expect(found.given).not.toHaveProperty(name);
    }
    expect(found.float64).toBeNear(Math.hypot(...found.norms.map(({ norm }) => norm)), {
      rtol: 1e-5,
    });
    expect((await result("--prompt", "a cat", "--no-float64")).float64).toBeNull();
    expect((await result("--prompt", "a cat", "--precision", "f64")).float64).toBeNull();
  });

  test("with every kind of parameter", async () => {
    const args = [
      ...["--tokens", "1,2", "--corrupt", "a", "--others", "b", "c", "--others-tokens", "3,4", "5"],
      ...["--target", 'a,id:7," "', "--which", "length,norm"],
      ...["--sizes", "0.5, 100", "--unit", "one"],
      ...["--power", "3", "--minus", "-0.5", "--no-deep", "--wide", "--no-either"],
      ...["--label", "x,y"],
    ];
    const { given, targets } = await result(...args);
    expect(given).toEqual({
      ...{ prompt: [1, 2], corrupt: "a", others: ["b", "c", [3, 4], [5]] },
      ...{ target: ["a", 7, " "], which: ["norm", "length"], sizes: [0.5, 100], unit: "one" },
      ...{ power: 3, minus: -0.5, deep: false, wide: true, either: false, label: "x,y" },
    });
    expect(targets).toEqual([0, 7, 26]);
    for (const list of ["a, ,id:7", '"a"," ",id:7', "\\x61,\\x20,id:7"]) {
      expect((await result("--prompt", "a", "--target", list)).targets).toEqual([0, 26, 7]);
    }
    expect((await result("--prompt", "a", "--corrupt-tokens", "1 2")).given.corrupt).toEqual([
      1, 2,
    ]);
    expect((await result("--prompt", "a", "--which", "none")).given.which).toEqual([]);
    expect((await result("--prompt", "a", "--which", "all")).given.which).toEqual([
      "norm",
      "length",
    ]);
    expect((await result("--prompt", "a", "--either")).given.either).toBe(true);
  });

  test("that reads standard input where it needs a prompt and has none", async () => {
    const args = ["measure", model, "--threads", "1", "--json"];
    const { stdout } = await run([measure], args, { input: "a cat\n" });
    expect(JSON.parse(stdout).ids).toEqual(idsOf("a cat"));
    await refused([], 2, "There is no input.", /--prompt TEXT, --tokens 1,2,3/);
  });

  test("that says what it would take", async () => {
    const { stdout, code } = await call("--prompt", "a cat", "--dry-run", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ kind: "cost", command: "measure", model: "small" });
    expect(JSON.parse(stdout).flops).toBeGreaterThan(1000);
    await refused(["--prompt", "a cat", "--max-memory", "9kB"], 5, "raise --max-memory");
  });

  test("that can be interrupted: nothing is said", async () => {
    const signal = AbortSignal.abort();
    const ended = await run([measure], ["measure", model, "--prompt", "a"], { signal });
    expect(ended).toEqual({ code: 130, stdout: "", stderr: "" });
  });

  test("that has something to show before its end: interrupted, it gives that", async () => {
    const controller = new AbortController();
    const slow: AnyAnalysis = {
      ...measure,
      run: async (subject, given) => {
        const result = await measure.run(subject, given);
        subject.onPartial?.(result, { done: 1, total: 3, of: "text" });
        controller.abort();
        throw controller.signal.reason;
      },
    };
    const args = ["measure", model, "--prompt", "a", "--no-float64", "--json"];
    const { signal } = controller;
    const { code, stdout, stderr } = await run([slow], args, { signal });
    expect(code).toBe(130);
    expect(stderr).toContain("Interrupted. This is unfinished: text 1 of 3.");
    expect(JSON.parse(stdout)).toMatchObject({
      kind: "measured",
      warnings: [{ code: "unfinished" }],
    });
  });

  test("in the list of commands, beside the others", async () => {
    const { stdout } = await run([...analyses, measure], ["--help"]);
    expect(stdout).toMatch(/^ {2}measure \[options\] <model> +how long vectors are$/m);
    expect(stdout).toMatch(/^ {2}expand .*\n(?:.*\n)* {2}doctor /m);
  });
});

describe("what does not fit is refused by name, with what was expected and what came", () => {
  test.each<[string[], (string | RegExp)[]]>([
    [["--promt", "a"], ["Did you mean --prompt?"]],
    [["--sizs", "1"], ["Did you mean --sizes?"]],
    [
      ["--power", "0"],
      ["'--power <p>' argument '0'", "a whole number from 1 to 4"],
    ],
    [["--power", "2.5"], ["a whole number from 1 to 4"]],
    [
      ["--power", "many"],
      ["'many'", "a whole number from 1 to 4"],
    ],
    [
      ["--minus", "0"],
      ["'0'", "a number below 0"],
    ],
    [["--minus", ""], ["a number below 0"]],
    [
      ["--sizes", "1,0"],
      ["'1,0'", "above 0 and at most 100"],
    ],
    [["--sizes", "1,,2"], ["above 0 and at most 100"]],
    [
      ["--unit", "two"],
      ["'two'", "Allowed choices are one, ten"],
    ],
    [
      ["--which", "norms"],
      ["none, all, or some of norm,length", 'got "norms"'],
    ],
    [
      ["--label", "longer"],
      ["--label: ", 'got "longer"', "[cli/usage]"],
    ],
    [["--unit", "ten", "--power", "3"], ["--power: Only squares are counted in tens, got 3."]],
    [["--tokens", "1"], ["--prompt and --tokens are two inputs"]],
    [["--corrupt", "a", "--corrupt-tokens", "1"], ["--corrupt and --corrupt-tokens are two"]],
    [["--corrupt-tokens", "1,x"], [/--corrupt-tokens takes whole numbers, got "x"/]],
    [["--others-tokens", "1", "x"], [/--others-tokens takes whole numbers, got "x"/]],
    [["--target", "id:29"], ["id:0 to id:28, got id:29"]],
    [
      ["--target", "ab"],
      ['no token "ab": as a text it is 2 tokens, id:0 ("a"), id:1 ("b")', "Spaces and capitals"],
    ],
    [
      ["--target", "A"],
      ['no token "A"', 'Near it: id:0 ("a").'],
    ],
    [
      ["--target", "7"],
      ['no token "7"', "If the id is meant: id:7."],
    ],
    [["--target", "日"], ['no token "日"']],
    [["--target", '"a'], ["a quote or a backslash stands alone"]],
    [["--target", "a,,b"], ["a token is empty"]],
    [["--json", "--format", "csv"], ["two formats"]],
  ])("%j", async (args, said) => {
    await refused(["--prompt", "a", ...args], 2, ...said);
  });

  test("before the model is looked for, where that can be", async () => {
    const args = ["measure", "nowhere", "--prompt", "a", "--label", "longer"];
    expect((await run([measure], args)).stderr).toMatch(/--label/);
  });

  test("also where a parameter is required", async () => {
    const strict: AnyAnalysis = {
      ...measure,
      params: z.object({ a: z.string(), b: promptSchema.describe("a second") }),
      tables: () => [],
    };
    const missing = await run([strict], ["measure", model, "--b", "x"]);
    expect([missing.code, missing.stderr]).toEqual([
      2,
      expect.stringContaining("required option '--a <text>' not specified"),
    ]);
    const other = await run([strict], ["measure", model, "--a", "x"]);
    expect(other.stderr).toMatch(/There is no --b\. Give --b TEXT or --b-tokens 1,2,3/);
  });

  test("a token in words, where there is no tokenizer to read it", async () => {
    const bare = await writeModel(join(folder, "bare"), "gpt2", { tokenizer: null });
    const call = ["measure", bare, "--threads", "1", "--tokens", "1", "--json", "--target"];
    const { code, stderr } = await run([measure], [...call, "a"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("Name tokens by id: id:346.")]);
    expect(JSON.parse((await run([measure], [...call, "id:3"])).stdout).targets).toEqual([3]);
  });

  test("what the analysis refuses is said as it is", async () => {
    const picky: AnyAnalysis = {
      ...measure,
      estimate: () => {
        throw new InputError({ code: "measure/no", message: "No.", remedy: "Do." });
      },
    };
    const { code, stderr } = await run([picky], ["measure", model, "--prompt", "a"]);
    expect([code, stderr]).toEqual([2, "resolvent: No. Do. [measure/no]\n"]);
  });
});

describe("formats", () => {
  const args = ["--tokens", "1,2", "--precision", "f64"];
  let found: Measured;
  beforeAll(async () => {
    found = await result(...args);
  });

  test("the table: titles, bars of one scale, rows for people, notes, and the next table", async () => {
    const { stdout } = await call(...args);
    const lines = stdout.split("\n");
    expect(lines.slice(0, 4)).toEqual([
      "Norms",
      'small, 4 blocks, 2 tokens: "<1><2>"',
      "",
      `position  norm${" ".repeat(16)}`.trimEnd(),
    ]);
    const sum = found.norms.reduce((total, { norm }) => total + norm, 0);
    const largest = Math.max(...found.norms.map(({ norm }) => norm));
    const longest = found.norms.findIndex(({ norm }) => norm === largest);
    expect(lines[4 + longest]).toBe(
      `       ${longest}  ${"█".repeat(20)}  ${largest.toPrecision(3)}`,
    );
    // The sum is beyond the scale.
    expect(lines[6]).toBe(`     sum  ${" ".repeat(20)}  ${sum.toPrecision(3)}`);
    expect(lines.slice(7, 11)).toEqual([
      "no certificate",
      "",
      "pos  norm       square",
      '  0  "a \\"b\\""  1.0e-9',
    ]);
    expect(lines.slice(11)).toEqual(["", "half  50.0 %", "none", ""]);
    expect(stdout).not.toContain("<1e-14");
    expect((await call("--tokens", "1,2")).stdout).toContain("<1e-6");
  });

  test("ndjson: the result without what its tables list, then every row", async () => {
    const { stdout } = await call(...args, "--format", "ndjson");
    const [first, ...rows] = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const { norms, ...rest } = found;
    expect(first).toEqual(rest);
    expect(rows).toEqual([
      ...norms.map((one) => ({ kind: "position", ...one })),
      { kind: "token", pos: 0, norm: 'a "b"', square: 1e-9 },
    ]);
  });

  test("csv: the main table, and a word about the others", async () => {
    const { stdout, stderr } = await call(...args, "--format", "csv");
    const rows = found.norms.map(({ pos, norm }) => `${pos},${norm},${norm ** 2}`);
    expect(stdout).toBe(["pos,norm,square", ...rows, ""].join("\n"));
    expect(stderr).toBe("This is the table position; --only has others: token.\n");
  });

  test("--output: by the name of the file, never over one without being asked", async () => {
    const path = join(folder, "result.json");
    const written = await call(...args, "--output", path);
    expect(written).toEqual({ code: 0, stdout: "", stderr: `${path} has the result.\n` });
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual(found);
    await refused([...args, "--output", path], 2, "is there already", "--overwrite");
    await writeFile(path, "old");
    expect((await call(...args, "--output", path, "--overwrite", "--format", "csv")).code).toBe(0);
    expect(await readFile(path, "utf8")).toMatch(/^pos,norm,square\n/);
    const text = join(folder, "result.txt");
    await call(...args, "--output", text);
    expect(await readFile(text, "utf8")).toMatch(/^Norms\n/);
    const nowhere = join(folder, "none", "a.csv");
    await refused([...args, "--output", nowhere], 2, "cannot be written (ENOENT)");
    expect(existsSync(nowhere)).toBe(false);
  });
});

describe.each([...analyses, measure].map((analysis) => [analysis.name, analysis] as const))(
  "the help of %s",
  (name, analysis) => {
    test("mentions every parameter, its description, choices and default", async () => {
      const { code, stdout, stderr } = await run([analysis], [name, "--help"]);
      expect([code, stderr]).toEqual([0, ""]);
      const text = stdout.replace(/\s+/g, " ");
      for (const parameter of describeParameters(analysis.params)) {
        const flag = parameter.name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
        const off = parameter.kind === "flag" && parameter.default === true;
        const named = parameter.argument === true ? ` ${flag} ` : ` --${off ? "no-" : ""}${flag}`;
        expect(text).toContain(named);
        expect(parameter.description).not.toBe("");
        // The form of the value may stand before the default.
        for (const part of parameter.description.replace(/\s+/g, " ").split(/(?=; default: )/)) {
          expect(text).toContain(part);
        }
        if (parameter.kind === "choice" || parameter.kind === "choices") {
          for (const choice of parameter.choices) expect(text).toContain(choice);
        }
        if (typeof parameter.default === "number") {
          expect(text).toMatch(new RegExp(`--${flag} [^(]*\\(default: ${parameter.default}\\)`));
        }
      }
      for (const example of analysis.examples ?? []) {
        expect(stdout).toContain(`  resolvent ${name} ${example}\n`);
      }
      for (const flag of ["--format", "--json", "--output", "--dry-run"]) {
        expect(stdout).toContain(flag);
      }
      // What opens models by itself computes as they are stored.
      expect(stdout.includes("--precision")).toBe(analysis.needs !== "files");
      expect(stdout.includes("--no-float64")).toBe(analysis.float64 === true);
    });
  },
);
