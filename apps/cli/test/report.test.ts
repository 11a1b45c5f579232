import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkViews } from "@resolvent/analysis";
import { type ReportComparison, type ReportResult, reportAnalysis } from "@resolvent/report";
import { expect, test } from "vitest";
import { temporaryFolder } from "./models.ts";
import { json, output, resolvent } from "./program.ts";

const home = temporaryFolder();
const texts = readFileSync(new URL("../../../docs/samples/tales.txt", import.meta.url), "utf8");
const corpus = join(home, "corpus.txt");
writeFileSync(corpus, texts.slice(0, 12_000));

/** A card of two-layer attention that takes a second. */
const card = (...more: string[]): string[] => [
  ...[
    "report",
    "attn-only-2l",
    "--sequences",
    "3",
    "--length",
    "16",
    "--verify",
    "1",
    "--top",
    "3",
  ],
  ...["--order", "2", "--max-tokens", "512", "--threads", "1", ...more],
];

test("a card has what each analysis says of the same sequences", async () => {
  const report = await json<ReportResult>(card("--corpus", corpus));
  expect(report).toMatchObject({ kind: "report", sequences: 3, near: 0.1 });
  expect(report.sections.map(({ name, analysis }) => [name, analysis])).toEqual([
    ["frozen", "expand"],
    ["live", "expand"],
    ["path", "paths"],
    ["head", "heads"],
    ["linear", "linearity"],
    ["series", "series"],
  ]);
  const of = (name: string) => report.sections.find((one) => one.name === name)?.result;
  // The means are those of the analysis itself.
  const prompts = Object(of("frozen")).prompts.map((one: { tokens: { id: number }[] }) =>
    one.tokens.map(({ id }) => id),
  );
  const lines = join(home, "ids.jsonl");
  writeFileSync(lines, prompts.map((ids: number[]) => JSON.stringify(ids)).join("\n"));
  const own = await json<object>([
    "expand",
    "attn-only-2l",
    "--prompts",
    lines,
    "--threads",
    "1",
    "--each",
  ]);
  expect(Object(of("frozen")).means).toEqual(Object(own).means);
  // The degree that is needed, by hand.
  const needed = Object(own).each.map(
    ({ terms }: { terms: { degree: number; partial: { frozenNorm: { kl: number } } }[] }) =>
      terms.findIndex(({ partial }) => partial.frozenNorm.kl < 0.1),
  );
  const mean = needed.reduce((sum: number, degree: number) => sum + degree, 0) / needed.length;
  expect(report.needed[0]?.degree?.mean).toBeCloseTo(mean, 12);
  expect(report.needed.map(({ section, never }) => [section, never])).toEqual([
    ["frozen", 0],
    ["live", 0],
  ]);
  // Every view shows a table that there is, and columns that it has.
  const tables = reportAnalysis.tables(report);
  expect(new Set(tables.map(({ kind }) => kind)).size).toBe(tables.length);
  const views = reportAnalysis.views?.(report) ?? [];
  expect(checkViews(views, tables)).toEqual(views);
  expect(reportAnalysis.answer?.(report)[0]).toMatch(
    /^Of 2 blocks, the sum over degrees comes within 0\.1 nats/,
  );
});

test("without a corpus the model writes the texts, the same each time", async () => {
  const [once, again] = [await output(card("--json")), await output(card("--json"))];
  expect(again).toBe(once);
  const report: ReportResult = JSON.parse(once);
  expect(report.corpus).toBeNull();
  expect(report.tokens).toBe(48);
  expect(report.sections.map(({ name }) => name)).not.toContain("linear");
});

test("reports are compared in the order in which they are given, without a model", async () => {
  const two = join(home, "two.jsonl");
  const report = await output(card("--json"));
  const other = JSON.stringify({ ...JSON.parse(report), model: { name: "later", blocks: ["a"] } });
  writeFileSync(two, `${report}${other}\n`);
  const dry = await json<object>(["report", "--compare", two, "--dry-run"]);
  const nothing = { flops: 0, peakBytes: 0, weights: { kept: "no model is needed", bytes: 0 } };
  expect(dry).toMatchObject({ kind: "cost", command: "report", model: null, ...nothing });
  const compared = await json<ReportComparison>(["report", "--compare", two]);
  const own: ReportResult = JSON.parse(report);
  expect(compared.cards.map(({ name, frozen, live }) => [name, frozen, live])).toEqual(
    ["attn-only-2l", "later"].map((name) => [name, ...own.needed.map(({ degree }) => degree)]),
  );
  expect(compared.degrees.map(({ card: at, degree }) => [at, degree])).toEqual(
    [1, 2].flatMap((at) => [0, 1, 2].map((degree) => [at, degree])),
  );
  expect(compared.steps).toEqual([]);
  const tables = reportAnalysis.tables(compared);
  const views = reportAnalysis.views?.(compared) ?? [];
  expect(checkViews(views, tables)).toEqual(views);
  // The same as checkpoints of a training, the later first.
  const { name: _, ...model } = own.model;
  const steps = [64, 8].map((step) => ({ ...own, model: { ...model, name: `step-${step}` } }));
  writeFileSync(two, steps.map((step) => JSON.stringify(step)).join("\n"));
  const along = await resolvent(["report", "--compare", two]);
  const rows = along.stdout.split("\n").map((line) => line.trim().split(/\s+/).slice(0, 2));
  expect(rows.filter(([step]) => step === "8" || step === "64")).toEqual([
    ["8", "1"],
    ["64", "1"],
  ]);
  expect(along.stdout).toContain("Along training");
  const both = await resolvent(["report", "attn-only-2l", "--compare", two]);
  expect(both.stderr).toMatch(/report\/model-and-reports/);
  writeFileSync(two, `${report.slice(0, -20)}`);
  const cut = await resolvent(["report", "--compare", two]);
  expect(cut.stderr).toMatch(/its last document has no end.*report\/bad-reports/);
});
