import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { resolvent as command, type Ended } from "./command.ts";
import { temporaryFolder } from "./models.ts";
import { json, output, resolvent } from "./program.ts";

const home = temporaryFolder();
const texts = readFileSync(new URL("../../../docs/samples/tales.txt", import.meta.url), "utf8");
const prompts = join(home, "prompts.txt");
writeFileSync(
  prompts,
  texts
    .split("\n")
    .slice(0, 13)
    .map((line) => line.slice(0, 40))
    .join("\n"),
);

/** A sweep of two-layer attention, short prompts, in parts of two. */
const swept = (out: string, ...more: string[]): string[] => [
  ...["sweep", "expand", "attn-only-2l", "--prompts", prompts, "--out", out, "--part-prompts", "2"],
  ...["--no-float64", "--threads", "1", ...more],
];

/** Every file of a sweep's parts with its bytes. */
function partsOf(out: string): ReadonlyMap<string, string> {
  const files = readdirSync(join(out, "parts"), { recursive: true, withFileTypes: true });
  return new Map(
    files
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name))
      .sort()
      .map((path) => [relative(out, path), readFileSync(path, "base64")]),
  );
}

// A name that is a pattern, too.
const whole = join(home, "whole [a-z]*");

test("a sweep has the means of its prompts, and eight shards the bytes of one", async () => {
  const said = await output(swept(whole));
  expect(said).toMatch(
    /^attn-only-2l, shard 1\/1: 13 prompts in .* s each; .* has 7 of 7 parts\.\n$/,
  );
  const out = join(home, "eighths");
  for (let shard = 8; shard >= 1; shard--) await output(swept(out, "--shard", `${shard}/8`));
  expect(partsOf(out)).toEqual(partsOf(whole));
  // Each row once: the prompts are those of one call, and means are theirs.
  const { merged, parts } = await json<Report>(["sweep", "report", out]);
  const set = await json<Pick<Merged, "means">>([
    ...["expand", "attn-only-2l", "--prompts", prompts, "--no-float64", "--threads", "1"],
  ]);
  expect(parts).toEqual({ total: 7, done: 7, missing: [] });
  expect(merged).toMatchObject({ refused: [], unsound: 0, left: 0 });
  expect(merged.means.map(({ kind }) => kind)).toEqual(set.means.map(({ kind }) => kind));
  for (const [i, { rows }] of set.means.entries()) {
    for (const [r, row] of rows.entries()) {
      const own = merged.means[i]?.rows[r];
      expect(own).toMatchObject({ keys: row.keys, count: row.count });
      for (const [v, value] of row.values.entries()) {
        const found = own?.values[v];
        if (value === null) expect(found).toBeNull();
        else {
          expect(found?.mean).toBe(value.mean);
          expect(Math.abs((found?.high ?? 0) - (value.high ?? 0))).toBeLessThan(
            1e-9 * Math.abs(value.high ?? 0) + 1e-15,
          );
        }
      }
    }
  }
});

interface Merged {
  readonly refused: readonly { readonly code: string; readonly count: number }[];
  readonly means: readonly {
    readonly kind: string;
    readonly measures: readonly { readonly name: string }[];
    readonly rows: readonly {
      readonly keys: readonly unknown[];
      readonly count: number;
      readonly values: readonly ({ readonly mean: number; readonly high: number | null } | null)[];
    }[];
  }[];
}

interface Report {
  readonly parts: unknown;
  readonly prompts: number;
  readonly merged: Merged;
}

// DuckDB is no dependency: a folder in which `npm install @duckdb/node-api` was run.
const duckDb = process.env.RESOLVENT_DUCKDB;
const sqlTitle = duckDb
  ? "SQL sees the rows of a sweep, and nothing else"
  : "SQL over sweeps (skipped: no DuckDB; set RESOLVENT_DUCKDB to a folder with @duckdb/node-api)";

test.skipIf(duckDb === undefined)(sqlTitle, async () => {
  await output(swept(whole)); // there already, where the first test was run
  const ask = async (sql: string, ...more: string[]): Promise<Ended> =>
    await command(["sweep", "report", whole, "--sql", sql, ...more], { cwd: duckDb as string }); // not skipped
  const { merged } = await json<Report>(["sweep", "report", whole]);
  const degrees = merged.means.find(({ kind }) => kind === "degree-term");
  const { stdout, stderr } = await ask(
    "SELECT degree, count(*) AS n, avg(logitShare) AS share FROM degree_term GROUP BY 1 ORDER BY 1;",
    "--json",
  );
  expect(stderr).toBe("");
  const { sql } = JSON.parse(stdout) as { sql: { rows: readonly (readonly number[])[] } };
  const share = degrees?.measures.findIndex(({ name }) => name === "logitShare") ?? -1;
  const own = degrees?.rows.map(({ keys, values }) => [keys[0], 13, values[share]?.mean]);
  expect(sql.rows).toHaveLength(3);
  for (const [r, row] of sql.rows.entries()) {
    for (const [c, value] of row.entries()) expect(value).toBeCloseTo(Number(own?.[r]?.[c]), 12);
  }
  expect(
    (await ask("SELECT count(*) AS n FROM prompts WHERE error IS NULL", "--format", "csv")).stdout,
  ).toMatch(/^n\n13\n$/m);
  for (const query of [
    `SELECT * FROM read_text('${prompts}')`,
    `SELECT 1); COPY prompts TO '${whole}/more.csv'; SELECT * FROM (SELECT 1`,
    "SELECT * FROM range(200000)",
  ]) {
    const refused = await ask(query);
    expect([query, refused.code]).toEqual([query, 2]);
    expect(refused.stderr).toMatch(/\[sweep\/(bad-sql|too-many-rows)\]/);
  }
  expect(readdirSync(whole).sort()).toEqual(["parts", "sweep.json"]);
});

test("what is there stays, and another sweep is no part of it", async () => {
  expect(await output(swept(whole))).toMatch(/: 0 prompts in /);
  const other = await resolvent(swept(whole, "--freeze", "none"));
  expect(other.code).toBe(2);
  expect(other.stderr).toMatch(/holds another sweep: its parameters .*\[sweep\/other-sweep\]/);
  const mine = join(home, "mine");
  mkdirSync(mine);
  writeFileSync(join(mine, "notes.txt"), "mine");
  const refused = await resolvent(swept(mine));
  expect([refused.code, readdirSync(mine)]).toEqual([2, ["notes.txt"]]);
  expect(refused.stderr).toMatch(/such as notes\.txt/);
});

test("lines give parameters by name; one that is refused is told, and the others are there", async () => {
  const lines = join(home, "prompts.jsonl");
  const rows = [
    { prompt: "Once upon a time", target: [" a"] },
    { prompt: "Once", target: ["no such token"] },
    { prompt: "Once", out: "elsewhere" },
    { prompt: [1, 2, 3], maxDegree: 1 },
  ];
  // What is wrong with the first line is said of no other.
  writeFileSync(lines, ['{"prompt": "cut', ...rows.map((row) => JSON.stringify(row))].join("\n"));
  const out = join(home, "lines");
  const { code, stderr } = await resolvent([
    ...["sweep", "expand", "attn-only-2l", "--prompts", lines, "--out", out, "--no-float64"],
  ]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/3 of 5 prompts refused/);
  const { merged, prompts: all } = await json<Report>(["sweep", "report", out]);
  expect(all).toBe(5);
  expect(merged.refused.map(({ count }) => count)).toEqual([2, 1]);
  expect(merged.refused).toContainEqual({ code: "sweep/bad-prompt", count: 2 });
  const degrees = merged.means.find(({ kind }) => kind === "degree-term");
  expect(degrees?.rows.map(({ keys, count }) => [...keys, count])).toEqual([
    [0, 2],
    [1, 2],
    [2, 1],
  ]);
  // A call of which nothing can come is refused, and leaves no part.
  const hopeless = await resolvent([
    ...["sweep", "expand", "attn-only-2l", "--prompts", prompts, "--out", join(home, "none")],
    ...["--target", "no such token"],
  ]);
  expect(hopeless.code).toBe(2);
  expect(readdirSync(join(home, "none", "parts"))).toEqual([]);
  const odd = join(home, "odd.jsonl");
  writeFileSync(odd, '{"prompt": 5}\n{"prompt": 6}\n');
  const none = await resolvent([
    ...["sweep", "expand", "attn-only-2l", "--prompts", odd, "--out", join(home, "odd")],
  ]);
  expect(none.stderr).toMatch(/odd\.jsonl, line 1: prompt: .* got 5\. \[sweep\/bad-prompt\]/);
  const asked = await resolvent(["sweep", "report", join(home, "none"), "--sql", "SELECT 1"]);
  expect(asked.stderr).toMatch(/has no part yet.*\[sweep\/no-parts\]/);
});

test("an analysis that has rows for data formats alone is reported all the same, with what is missing", async () => {
  const out = join(home, "lens");
  const words = ["sweep", "lens", "attn-only-2l", "--prompts", prompts, "--part-prompts", "2"];
  await output([...words, "--out", out, "--shard", "7/7", "--threads", "1"]);
  const said = await output(["sweep", "report", out]);
  expect(said).toMatch(/^L1\.attn /m);
  expect(said).toContain("1 of 7 parts are there; missing: 0, 1, 2, 3, 4, 5");
});

test.each([
  [["--shard", "9/8"], /Expected i\/n/],
  [["--corpus", prompts], /got 2/],
])("%j is refused", async (more, why) => {
  const { code, stderr } = await resolvent(swept(join(home, "never"), ...more));
  expect(code).toBe(2);
  expect(stderr).toMatch(why);
});

test.each([
  ["heads", /resolvent heads MODEL --prompts FILE/],
  ["linearity", /resolvent linearity MODEL --corpus FILE/],
  ["ov", /resolvent ov MODEL\. Of many models, call it for each/],
  ["merge", /resolvent merge --help/],
])("%s is not swept, and what there is instead is said", async (name, instead) => {
  const words = ["sweep", name, "attn-only-2l", "--prompts", prompts, "--out", join(home, "never")];
  const { code, stderr } = await resolvent(words);
  expect(code).toBe(2);
  expect(stderr).toContain(`${name} asks nothing of a single prompt`);
  expect(stderr).toMatch(instead);
  const { stdout } = await resolvent(["sweep", "--help"]);
  expect(stdout).not.toMatch(new RegExp(`^  ${name}\\b`, "m"));
});

const kills = Number(process.env.RESOLVENT_KILLS ?? 3);
// For what hangs only: the more kills, the longer it may take.
const timeout = 60_000 + 30_000 * kills;

test("killed at random moments and started again, no row is lost or doubled", {
  timeout,
}, async () => {
  const bin = fileURLToPath(new URL("../bin/resolvent.js", import.meta.url));
  const out = join(home, "killed");
  await output(swept(whole)); // there already, where the first test was run
  let killed = 0;
  while (killed < kills) {
    const child = spawn(process.execPath, [bin, ...swept(out)], { stdio: "ignore" });
    const end = new Promise((resolve) => child.once("exit", resolve));
    // Once there is a part, its process is killed while it makes the next ones.
    const before = partCount(out);
    const deadline = performance.now() + 20_000;
    while (child.exitCode === null && partCount(out) === before && performance.now() < deadline)
      await after(5);
    await Promise.race([end, after(Math.random() * 30)]);
    child.kill("SIGKILL");
    await end;
    killed++;
    if (partCount(out) === 7 && killed < kills) {
      expect(partsOf(out)).toEqual(partsOf(whole));
      rmSync(out, { recursive: true });
    }
  }
  await output(swept(out));
  expect(partsOf(out)).toEqual(partsOf(whole));
  expect(readdirSync(join(out, "parts")).filter((name) => name.startsWith("."))).toEqual([]);
});

/** Parts of a sweep that are there. */
function partCount(out: string): number {
  try {
    return readdirSync(join(out, "parts")).filter((name) => !name.startsWith(".")).length;
  } catch {
    return 0;
  }
}

test("what many prompts take follows from what was measured", () => {
  const text = (name: string): string =>
    readFileSync(new URL(`../../../${name}`, import.meta.url), "utf8");
  const measured = text("tools/bench/RESULTS.md");
  const rows = [...text("deploy/README.md").matchAll(/^\| (\D.*\d) ((?:\| \d+ ){6})\|$/gm)];
  expect(rows).toHaveLength(6);
  for (const [, name = "", cells = ""] of rows) {
    const numbers = cells.match(/\d+/g)?.map(Number) ?? [];
    const line = measured.split("\n").find((one) => one.startsWith(`| ${name} | `)) ?? "";
    const medians = [...line.matchAll(/ (\d+) \(\d+\) /g)].map(([, median]) => Number(median));
    for (const [at, column] of [
      [0, 3],
      [3, 4],
    ] as const) {
      const milliseconds = medians[column] ?? 0;
      const hours = (milliseconds / 1000) * 2 * (1e6 / 3600);
      const own = [milliseconds, Math.round(hours), Math.round(0.04 * hours)];
      expect([name, ...numbers.slice(at, at + 3)]).toEqual([name, ...own]);
    }
  }
});
