import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ListedAnalysis, Result, Table } from "@resolvent/analysis";
import { beforeAll, describe, expect, test } from "vitest";
import { analyses } from "../src/analyses.ts";
import type { Format } from "../src/options.ts";
import { places } from "../src/places.ts";
import { writeResult } from "../src/result.ts";
import type { SelectionOptions } from "../src/selection.ts";
import { temporaryFolder, tinyGraph, writeDictionary, writeModel } from "./models.ts";
import { run } from "./program.ts";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const pair = ["--tokens", "1,2,3,4,5", "--corrupt-tokens", "1,7,3,4,5"];
const prompt = ["--tokens", "1,2,3,4,5,6,7,8"];
const story = "When Mary and John went to the market, John gave a drink to";
const other = "When Nora and John went to the market, John gave a drink to";

/** Calls of every analysis; M is a small model without trained weights. */
const calls: readonly (readonly [analysis: string, args: readonly string[]])[] = [
  ["run", ["M", ...prompt, "--top", "2", "--sites", "*.pattern", "final.norm", "--generate", "5"]],
  ["run", ["attn-only-2l", "--prompt", story, "--top", "3", "--attention"]],
  ["expand", ["M", ...prompt, "--max-degree", "2", "--freeze", "none"]],
  ["expand", ["tales", "--prompt", story]],
  ["expand", ["tales", "--prompt", story, "--target", "id:346,id:377", "--max-degree", "3"]],
  ["lens", ["M", ...prompt]],
  ["expand", ["M", "--prompts", at("prompts.jsonl"), "--target", "id:3,id:4"]],
  [
    "paths",
    [
      "M",
      "--prompts",
      at("prompts.jsonl"),
      "--top",
      "3",
      "--verify",
      "2",
      "--check",
      "embed@0>L0.H0",
      "--each",
    ],
  ],
  ["qk", ["M", "--prompts", at("prompts.jsonl"), "--by", "head", "--head", "L1.H1"]],
  ["lens", ["tales", "--prompt", story]],
  ["paths", ["M", ...prompt, "--top", "3", "--routes", "2"]],
  [
    "paths",
    ["M", ...prompt, "--top", "3", "--positions", "--verify", "2", "--check", "embed@0>L0.H0"],
  ],
  ["paths", ["attn-only-2l", "--prompt", story, "--top", "4", "--positions"]],
  ["qk", ["M", ...prompt, "--by", "token", "--top", "2"]],
  ["qk", ["tales", "--prompt", story, "--by", "head", "--top", "3"]],
  ["heads", ["M"]],
  ["heads", ["attn-only-2l"]],
  ["heads", ["M", "--prompts", at("prompts.jsonl"), "--each"]],
  ["ov", ["M", "--head", "L1.H1", "--words", "id:1,id:2,id:3", "--top", "2"]],
  ["ov", ["attn-only-2l", "--head", "L1.H2", "--words", "id:346,id:377", "--top", "3"]],
  ["patch", ["M", ...pair, "--top", "2"]],
  ["patch", ["M", ...pair, "--top", "2", "--level", "head", "--method", "eap", "--compare"]],
  ["patch", ["tales", "--prompt", story, "--corrupt", other, "--nodes", "--positions"]],
  ["circuit", ["M", ...pair, "--top", "2"]],
  ["circuit", ["tales", "--prompt", story, "--corrupt", other, "--level", "head", "--top", "5"]],
  ["circuit", ["M", "--pairs", at("pairs.jsonl"), "--measure", "kl", "--each", "--top", "2"]],
  ["patch", ["M", "--pairs", at("pairs.jsonl"), "--measure", "probability", "--nodes"]],
  ["series", ["M", ...prompt, "--order", "3"]],
  ["interactions", ["M", ...prompt, "--top", "2"]],
  ["interactions", ["M", ...prompt, "--order", "2", "--top", "0"]],
  [
    "linearity",
    ["M", "--tokens-file", at("ids.txt"), "--draws", "3", "--between", "embed:L1.mlp.after"],
  ],
  ["jacobian-lens", ["M", "--tokens-file", at("ids.txt"), "--skip", "1", "--draws", "3"]],
  [
    "train-dictionary",
    [
      ...[
        "M",
        "--tokens-file",
        at("ids.txt"),
        "--site",
        "L0.mlp.normed",
        "--target",
        "L0.mlp.write",
      ],
      ...["--features", "6", "--k", "2", "--steps", "4", "--batch", "8", "--out", at("trained")],
    ],
  ],
  ["dictionary", ["M", "--dictionary", at("sae")]],
  ["dictionary", ["M", "--dictionary", at("sae"), "--tokens-file", at("ids.txt")]],
  ["features", ["M", "--dictionary", at("sae"), "--tokens-file", at("ids.txt"), "--top", "6"]],
  [
    "features",
    [
      ...["M", "--dictionary", at("sae"), "--dictionary", at("transcoder"), "--feature", "2"],
      ...["--tokens-file", at("ids.txt"), "--labels", at("labels.json")],
    ],
  ],
  [
    "graph",
    [
      ...["M", ...prompt, "--dictionary", at("transcoder"), "--dictionary", at("transcoder-1")],
      ...["--most-features", "20", "--verify", "2", "--ablate", "L0.F2,L1.F3@4", "--top", "5"],
    ],
  ],
  [
    "graph",
    [
      ...["M", ...prompt, "--dictionary", at("transcoder"), "--dictionary", at("transcoder-1")],
      ...["--target", "id:4,id:9", "--verify", "1", "--top", "3"],
    ],
  ],
  ["graph", ["--import", at("graph.json")]],
  ["barrier", ["M", at("other"), "--tokens-file", at("ids.txt"), "--points", "3"]],
  [
    "barrier",
    [
      ...["M", at("other"), "--tokens-file", at("ids.txt"), "--points", "3", "--method", "nuslerp"],
      ...["--base", at("other"), "--grid", "2", "--max-tokens", "100"],
    ],
  ],
  ["merge", [at("merge.yml"), "--dry-run"]],
  ["merge", [at("merge.yml"), at("merged"), "--shard-bytes", "20000", "--no-verify"]],
  ["compare", ["M", at("other"), ...prompt]],
  [
    "compare",
    [
      ...["M", at("other"), ...prompt, "--level", "head", "--top", "5", "--max-degree", "2"],
      ...["--base", at("other"), "--merge", at("other"), "--tokens-file", at("ids.txt")],
    ],
  ],
  ["align", ["M", at("other")]],
  [
    "align",
    [
      ...["M", at("other"), "--by", "activations", "--tokens-file", at("ids.txt")],
      ...["--points", "3", "--rotations", "--dtype", "F64", "--out", at("aligned")],
    ],
  ],
  ["profile", ["M", ...prompt, "--runs", "1"]],
  ["inspect", ["M"]],
  ["inspect", ["attn-only-2l"]],
];

let model: string;
beforeAll(async () => {
  model = await writeModel(at("small"), "gpt2");
  await writeModel(at("other"), "gpt2", { seed: 1 });
  await writeDictionary(at("sae"));
  await writeDictionary(at("transcoder"), {
    ...{ hook: "blocks.0.ln2.hook_normalized", hookOut: "blocks.0.hook_mlp_out" },
  });
  await writeDictionary(at("transcoder-1"), {
    ...{ hook: "blocks.1.ln2.hook_normalized", hookOut: "blocks.1.hook_mlp_out", seed: 1 },
  });
  await writeFile(at("graph.json"), JSON.stringify(tinyGraph()));
  const inputs = [model, at("other")].map((one) => `{model: ${JSON.stringify(one)}}`);
  await writeFile(
    at("merge.yml"), // with something that has no effect
    `{merge_method: linear, parameters: {weight: 1, density: 0.5}, models: [${inputs.join(", ")}]}`,
  );
  await writeFile(at("labels.json"), '{"2": "the second"}');
  const line = (i: number): string =>
    Array.from({ length: 20 }, (_, k) => (i * k + k) % 29).join(",");
  await writeFile(at("prompts.jsonl"), "[3,17,5]\n[3,9,5,8]\n[1,2,3]\n");
  const pairs = [
    { clean: [3, 17, 5], corrupt: [3, 9, 5] },
    { clean: [1, 2], corrupt: [4, 2] },
  ];
  await writeFile(at("pairs.jsonl"), pairs.map((own) => JSON.stringify(own)).join("\n"));
  await writeFile(at("ids.txt"), Array.from({ length: 12 }, (_, i) => line(i)).join("\n"));
});

/** What a result writes in a format and width. */
function written(
  result: Result,
  tables: readonly Table[],
  format: Format,
  { columns, ...selection }: SelectionOptions & { readonly columns?: number } = {},
): { readonly text: string; readonly notes: readonly string[] } {
  const parts: string[] = [];
  const notes: string[] = [];
  const plain = (text: string): string => text;
  writeResult(result, tables, {
    ...{ format, precision: "f32", selection, note: (text) => notes.push(text) },
    soundness: { notFinite: [], unbalanced: [], warnings: [] },
    terminal: {
      out: (text) => parts.push(text),
      show: (text) => parts.push(text),
      style: { bold: plain, faint: plain, accent: plain },
      columns,
    },
  });
  return { text: parts.join(""), notes };
}

const seenKinds = new Map<string, Set<string>>();

describe.each(calls)("%s %j", (name, args) => {
  const analysis = analyses.find((one) => one.name === name) as ListedAnalysis; // it is in the list
  let result: Result;
  let tables: readonly Table[];
  beforeAll(async () => {
    const words = args.map((word) => (word === "M" ? model : word));
    const ran = await run([analysis], [name, ...words, "--json"]);
    const said = ran.stderr.replace(/^\S+ will take .*\n$/, ""); // of what it writes beside its result
    expect([ran.code, said]).toEqual([0, ""]);
    result = JSON.parse(ran.stdout);
    tables = analysis.tables(result);
    const kinds = seenKinds.get(name) ?? new Set();
    for (const { kind } of tables) kinds.add(kind);
    seenKinds.set(name, kinds);
  }, 120_000);

  test("its tables are of the kinds that it says, each once, with a cell for each column", () => {
    const kinds = tables.map(({ kind }) => kind);
    expect(new Set(kinds).size).toBe(kinds.length);
    for (const kind of kinds) expect(analysis.tableKinds).toContain(kind);
    for (const { columns, rows, rest = [], footer = [] } of tables) {
      expect(new Set(columns.map((column) => column.name)).size).toBe(columns.length);
      for (const row of rows) expect(row).toHaveLength(columns.length);
      for (const row of [rest, ...footer]) expect(row.length).toBeLessThanOrEqual(columns.length);
    }
  });

  test("ndjson has a line for every row of every table that is data", () => {
    const lines = written(result, tables, "ndjson").text.trimEnd().split("\n");
    const [, ...entries] = lines.map((line) => JSON.parse(line));
    for (const table of tables) {
      const own = entries.filter(({ kind }) => kind === table.kind);
      expect(own).toHaveLength(table.view === true ? 0 : table.rows.length);
      const rests = entries.filter(({ kind, of }) => kind === "rest" && of === table.kind);
      expect(rests).toHaveLength(table.rest === undefined || table.view ? 0 : 1);
      // It has the keys of the rows; others only where they say something.
      const keys = new Set(own.flatMap((entry) => Object.keys(entry)));
      for (const [key, cell] of Object.entries(rests[0] ?? {})) {
        if (key !== "of" && !keys.has(key)) expect([key, cell]).not.toEqual([key, null]);
      }
    }
  });

  test("csv has every row of the table that is asked for, and numbers in columns of numbers", () => {
    for (const table of tables) {
      const { kind, columns, rows, rest } = table;
      const { text, notes } = written(result, tables, "csv", { only: kind });
      expect(notes).toEqual([]);
      const lines = text.trimEnd().split("\n");
      const kept = columns.filter(({ view }) => view !== true).map((column) => column.name);
      const head = rest === undefined ? kept : ["kind", ...kept];
      expect(lines[0]?.replaceAll('"', "")).toBe(head.join(",").replaceAll('"', ""));
      expect(lines).toHaveLength(1 + rows.length + (rest === undefined ? 0 : 1));
      columns.forEach((column, i) => {
        if (column.view || ["text", "token", "shape"].includes(column.kind)) return;
        // Counts beyond 2⁵³ are decimal texts.
        for (const row of rows) expect(String(row[i] ?? "0")).toMatch(/^(-?[\d.]+(e[+-]\d+)?)$/);
      });
    }
    const [main, ...others] = tables.filter(({ view }) => view !== true);
    const { text, notes } = written(result, tables, "csv");
    expect(text).toBe(written(result, tables, "csv", { only: main?.kind ?? "" }).text);
    expect(notes).toHaveLength(others.length > 0 ? 1 : 0);
    for (const { kind } of others) expect(notes[0]).toContain(kind);
  });

  test.each([40, 60, 100, 160])(
    "in %i columns no line is longer, and what is left out is said",
    (columns) => {
      const { text } = written(result, tables, "table", { columns });
      for (const line of text.split("\n")) expect(places(line), line).toBeLessThanOrEqual(columns);
      const whole = written(result, tables, "table").text;
      if (whole.split("\n").every((line) => places(line) <= columns)) expect(text).toBe(whole);
      else if (/…[^\n]*\n/.test(text) && !whole.includes("…")) expect(text).toMatch(/shortened/);
      for (const { kind, matrix } of tables) {
        const one = written(result, tables, "table", { only: kind, columns }).text;
        const all = written(result, tables, "table", { only: kind }).text;
        if (matrix) expect(one).not.toContain("left out");
        const heads = (tables.find((table) => table.kind === kind)?.columns ?? []).filter(
          ({ detail }) => detail !== true,
        );
        const missing = heads.filter(
          ({ name: key, head = key }) => head !== "" && all.includes(head) && !one.includes(head),
        );
        if (missing.length > 0) expect(one).toMatch(/left out|shortened/);
      }
    },
  );

  test("sorted and filtered by each of its columns, in every format that has tables", () => {
    for (const { kind, columns, rows } of tables) {
      for (const column of columns) {
        const words = ["text", "token", "shape"].includes(column.kind);
        const i = columns.indexOf(column);
        const wanted = rows[0]?.[i] ?? null;
        if (wanted === null) continue;
        const filter = [`${column.name}=${wanted}`];
        const kept = rows.filter((row) =>
          words ? row[i] === wanted : row[i] !== null && Number(row[i]) === Number(wanted),
        );
        const options = { only: kind, sort: `${column.name}:desc`, filter };
        const lines = written(result, tables, "ndjson", options).text.trimEnd().split("\n");
        expect(lines).toHaveLength(1 + kept.length);
        expect(written(result, tables, "csv", options).text).toMatch(/\n/);
        const which =
          kept.length === rows.length
            ? `${rows.length} rows`
            : `${kept.length} of ${rows.length} rows`;
        const shown = tables.find((table) => table.kind === kind)?.shown ?? rows.length;
        if (kept.length <= shown) {
          expect(written(result, tables, "table", options).text).toContain(`(${kind}: ${which}`);
        }
      }
    }
  });
});

test("every kind of table that an analysis names was seen", () => {
  for (const { name, tableKinds = [] } of analyses) {
    expect([name, [...(seenKinds.get(name) ?? [])].sort()]).toEqual([name, [...tableKinds].sort()]);
  }
});
