import { readFileSync } from "node:fs";
import type { Findings } from "@resolvent/analysis/remote";
import type { PathExpansion } from "@resolvent/paths";
import { describe, expect, test } from "vitest";
import { graphWork } from "../src/state/feature-facts.ts";
import { whyWork } from "../src/state/head-facts.ts";
import {
  hopsOf,
  lastMove,
  pathNames,
  shownTables,
  touches,
  verdictTable,
  withTree,
} from "../src/state/path-facts.ts";
import { FIRST } from "../src/state/question.ts";
import { compareWork } from "../src/state/two-models.ts";
import { badge, listed, probabilityOf, prose, sentences } from "../src/state/words.ts";

const first: Findings = JSON.parse(
  readFileSync(new URL("../src/first/first.json", import.meta.url), "utf8"),
);
const result = first.result as PathExpansion; // of `paths`

test("where there is no answer to ask about, but the score of a head, none is named", () => {
  const works = (target: readonly number[]) => [
    whyWork(FIRST, { head: "L0.H0", edge: [1, 0], target }),
    graphWork(FIRST, { target, verify: 0 }),
    compareWork(FIRST, { other: "x", base: null }, { alpha: 0.5, target }),
  ];
  for (const { values } of works([])) expect(values).not.toHaveProperty("target");
  for (const { values } of works([5])) expect(values.target).toEqual([5]);
});

test("of a link full of nonsense a few words are named, and not all of each", () => {
  expect(listed(["zz", "x".repeat(1000)])).toBe(`zz, ${"x".repeat(20)}…`);
  expect(listed(Array(20).fill("a"))).toBe("a, a, a, a, a, a, a, a, and 12 more");
});

test("a sentence has minus signs, and its numbers stay with their %", () => {
  expect(prose("It falls by -3.5 to 97.6 %, %s of it.")).toBe(
    "It falls by −3.5 to 97.6\u00a0%, %s of it.",
  );
});

describe("what the screen says of a result", () => {
  test("its sentences have its numbers", () => {
    const [what, how] = sentences(result);
    expect(what).toBe("The model continues with “Mary”, not “John”, by 11.0 logits.");
    expect(how).toContain(`${Number(result.routeCount).toLocaleString("en")} routes`);
    const { target } = result;
    expect(sentences({ ...result, target: { ...target, value: -2 } })[0]).toBe(
      "The model prefers “John” to “Mary”, by 2.00 logits.",
    );
    expect(sentences({ ...result, target: { ...target, b: null } })[0]).toBe(
      "The model gives “Mary” a logit of 11.0.",
    );
  });

  test("its badge says whether the parts add up; a probability is the answer's own", () => {
    expect(badge(result.certificate)).toMatch(/^adds up · \d\.\de-\d+$/);
    const certificate = { ...result.certificate, verdict: "does-not-add-up" } as const;
    expect(badge(certificate)).toMatch(/^does not add up/);
    expect(probabilityOf(result)).toBe("98.6 %");
    const [top] = result.answer.top;
    if (top === undefined) throw new Error("no answer");
    const other = { ...result.answer, top: [{ ...top, id: 1 }] };
    expect(probabilityOf({ ...result, answer: other })).toBeUndefined();
  });
});

describe("what is shown of its tables", () => {
  const rowsOf = (tables: Findings["tables"], kind: string) =>
    tables.find((table) => table.kind === kind)?.rows ?? [];

  test("paths up to a degree, and their routes; what is left of all others is then not said", () => {
    const shown = shownTables(first, { degree: 2 });
    const names = new Set(
      result.shown.flatMap(({ degree }, i) => (degree <= 2 ? [pathNames(first)[i]] : [])),
    );
    expect(names.size).toBeGreaterThan(1);
    expect(names.size).toBeLessThan(result.shown.length);
    expect(new Set(rowsOf(shown, "path").map(([name]) => name))).toEqual(names);
    expect(new Set(rowsOf(shown, "path-route").map((row) => row.at(-1)))).toEqual(names);
    expect(shown.find(({ kind }) => kind === "path")?.rest).toBeUndefined();
    expect(rowsOf(shown, "path-degree")).toEqual(rowsOf(first.tables, "path-degree"));
    expect(shownTables(first, { degree: null })).toBe(first.tables);
  });

  test("the tree stands beside the bars of its degree", () => {
    const tree: Findings["tables"] = [
      {
        kind: "degree-target",
        columns: [
          { name: "degree", kind: "count" },
          { name: "contribution", kind: "effect" },
        ],
        rows: [
          [1, 0.5],
          [0, -2],
        ],
      },
    ];
    const rows = rowsOf(withTree(first, { tables: tree }), "path-degree");
    expect(rows.slice(0, 3).map((row) => row.at(-1))).toEqual([-2, 0.5, null]);
  });
});

test("a path hop by hop, and where attention moves it last", () => {
  const at = result.shown.findIndex(({ nodes }) => nodes.at(-1) === "L2.H2");
  const route = result.shown[at]?.routes?.shown[0]?.positions ?? [];
  expect(hopsOf(result, at)).toEqual([
    { node: "embed", pos: route[0] },
    { node: "L0.H2", pos: route[1] },
    { node: "L0.mlp", pos: route[2] },
    { node: "L2.H2", pos: route[3] },
  ]);
  expect(lastMove(result, at)).toEqual({ head: "L2.H2", query: route[3], key: route[2] });
  expect(touches(result, at, route[1] ?? -1)).toBe(true);
  expect(touches(result, at, 7)).toBe(false);
  expect(lastMove({ ...result, shown: [] }, 0)).toBeUndefined();
  expect(verdictTable(result, 0)?.rows.map(([how]) => how)).toEqual([
    "predicted",
    "frozen",
    "live",
  ]);
  expect(verdictTable(result, result.shown.length - 1)).toBeUndefined();
});
