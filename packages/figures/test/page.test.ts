import type { Result, Table, View } from "@resolvent/analysis";
import { expect, test } from "vitest";
import { pageOf, reportPage } from "../src/index.ts";

const HOSTILE = `"></title></script><img src=x onerror="globalThis.hacked=2">'&amp;\u202e`;

const long: Table = {
  kind: "part",
  title: HOSTILE,
  subtitle: HOSTILE,
  columns: [
    { name: "name", kind: "token", head: HOSTILE, refers: "node" },
    { name: "effect", kind: "effect", rounding: 1e-6 },
  ],
  rows: Array.from({ length: 150 }, (_, i) => [HOSTILE, i === 0 ? 1e-9 : i]),
  rest: ["others", -2],
  notes: [HOSTILE, "warning: said above"],
};

const result: Result & Record<string, unknown> = {
  schemaVersion: 1,
  kind: HOSTILE,
  model: { name: HOSTILE, sha256: null, architecture: HOSTILE },
  warnings: [{ code: "odd", message: HOSTILE }],
  input: {
    tokens: [
      { id: 1, text: ` ${HOSTILE}` },
      { id: 2, text: "\n" },
    ],
  },
  precision: "f32",
  certificate: { relativeError: 2e-7, relativeErrorFloat64: 1e-3 },
};

const unbalanced = [{ at: "certificate.relativeErrorFloat64", error: 1e-3, tolerance: 1e-9 }];
const views: View[] = [
  { mark: "bars", table: "part", y: "name", x: "effect", select: "name", cursor: HOSTILE, most: 3 },
];
const page = pageOf({
  analysis: { name: HOSTILE, summary: HOSTILE, description: HOSTILE },
  answer: [HOSTILE, "It is -3 here."],
  ...{ result, views, tables: [long], command: HOSTILE, version: HOSTILE },
  soundness: { notFinite: [], unbalanced, warnings: [{ code: "unbalanced", message: "No sum." }] },
});

test("escapes whatever comes from models, inputs and the command", () => {
  expect(/<(?:script|img)|<\/script|onerror="|\u202e/.exec(page)).toBeNull();
  expect(page.match(/&lt;\/script&gt;/g)?.length).toBeGreaterThan(10);
  expect(page.match(/<title>/g)?.length).toBeGreaterThan(1);
});

test("long tables say how many rows are left out; what is rounding is 0; the rest is there", () => {
  expect(page).toContain("50 more rows are left out here; --only part --format csv has all.");
  expect(page.match(/<tr data-node=/g)).toHaveLength(101);
  expect(page).toContain("<td>0</td>");
  expect(page).toContain("<td>−2.00</td>");
  expect(page).not.toContain("warning: said above");
});

test("tokens are seen and can be linked; sentences have a minus", () => {
  expect(page).toContain('data-pos="0">␣');
  expect(page).toContain('data-pos="1">⏎<');
  expect(page).toContain("It is −3 here.");
});

test("each error of the certificate has its verdict", () => {
  expect(page).toContain("✗ The parts do not add up");
  expect(page).toContain("<td>2.0e-7</td><td>0.00100</td><td>✓ within</td>");
  expect(page).toContain("<td>0.00100</td><td>1.0e-9</td><td>✗ above</td>");
  expect(page).toContain("<li>No sum.</li>");
});

test("certificates of several prompts are told by prompt; no line ends within an option", () => {
  const each = [{ certificate: { relativeError: 3e-7, tolerance: 1e-3 } }];
  const set: typeof result = { ...result, each };
  const several = pageOf({
    analysis: { name: "sums", summary: "sums", description: "Adds; --compare measures how well." },
    answer: [],
    ...{ result: set, views: [], tables: [] },
    ...{ command: "resolvent sums --prompts a--b --html x", version: "0" },
    soundness: { notFinite: [], unbalanced: [], warnings: [] },
  });
  expect(several).toContain(">prompt 1: relative error<");
  expect(several).toContain('<span class="option">--prompts</span> a--b ');
  expect(several).toContain('<span class="option">--compare</span> measures');
});

test("a report has its figures with what was written about them; nothing in it is markup, or leads elsewhere", () => {
  const [view] = views;
  if (view === undefined) throw new Error("There is a view.");
  const figure = {
    ...{ title: HOSTILE, note: `${HOSTILE}\nA second line.`, analysis: HOSTILE, answer: [HOSTILE] },
    ...{ result, view, table: long, command: HOSTILE, link: "https://a.example/#v=1&k=2" },
  };
  const report = reportPage([figure, { ...figure, link: "javascript:alert(1)" }], { version: "0" });
  expect(report.match(/<article/g)).toHaveLength(2);
  expect(report).toContain("<br>A second line.</p>");
  expect(report.match(/<a href="[^"]*"/g)).toEqual(['<a href="https://a.example/#v=1&amp;k=2"']);
  expect(report).not.toMatch(/<script|<img/);
  // Ids differ, so that each figure is called by its own title.
  const ids = [...report.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
