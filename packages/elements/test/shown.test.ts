import { checkViews, listViews, type View } from "@resolvent/analysis";
import { layout } from "@resolvent/figures";
import { describe, expect, test } from "vitest";
import { degreesShows } from "../src/degrees-shows.ts";
import { figureShows } from "../src/figure-shows.ts";
import { parseJson } from "../src/load.ts";
import { pathsShows } from "../src/paths-shows.ts";
import { patternShows } from "../src/pattern-shows.ts";
import { shownOf } from "../src/shown.ts";
import { tooLarge } from "../src/too-large.ts";
import { analysisOf, readResult, results, resultText } from "./results.ts";

test.each(results)(
  "$shows.name shows of $name what its analysis shows",
  ({ name, analysis, shows }) => {
    const result = readResult(name);
    const { tables, views } = shownOf(JSON.parse(resultText(name)), shows);
    const own = analysisOf(analysis);
    expect(tables).toEqual(own.tables(result));
    const all = own.views?.(result) ?? [];
    expect(views.length).toBeGreaterThan(0);
    expect(all).toEqual(expect.arrayContaining([...views]));
    expect(checkViews(views, tables)).toEqual(views);
  },
);

test("a result of before, which lacks what was added since, is shown", () => {
  const { routeCount, byDegree, ...paths } = Object(readResult("paths"));
  expect(routeCount).toBeDefined();
  const older = byDegree.map(({ routes: _, ...one }: Record<string, unknown>) => one);
  const { tables, views } = shownOf({ ...paths, byDegree: older }, degreesShows);
  expect(layout(views[0] as View, tables, { width: 400 }).shapes.length).toBeGreaterThan(20);
});

test("a result with its tables and views is shown by any element, and by its own words where it does not add up", () => {
  const result = readResult("graph");
  const tables = analysisOf("graph").tables(result);
  const views = listViews(tables);
  expect(shownOf({ result, tables, views }, figureShows).views).toEqual(views);
  const certificate = { ...Object(result).certificate, relativeError: 1 };
  const { warnings } = shownOf({ result: { ...result, certificate }, tables, views }, figureShows);
  expect(warnings[0]).toBe("The parts do not add up to what was taken apart.");
});

test("a figure with more marks than a page can show is not drawn", () => {
  const columns = ["a", "b", "c"].map((name) => ({ name, kind: "number" }) as const);
  const rows = Array.from({ length: 30_001 }, () => [1, 2, 3]);
  const table = { kind: "t", columns, rows };
  const places = [{ key: "1" }];
  const ends = { table: "t", from: "a", to: "b", value: "c" };
  const grid = { mark: "grid", table: "t", x: "a", y: "b", value: "c" } as const;
  const large: readonly View[] = [
    { mark: "bars", table: "t", y: "a", x: "b" },
    { mark: "arcs", ...ends, axes: { x: places } },
    { mark: "graph", ...ends, layers: [] },
    { mark: "routes", table: "t", nodes: "a", at: "b", width: "c", axes: { x: places, y: places } },
    grid,
  ];
  for (const view of large) {
    expect(tooLarge(view, table), view.mark).toMatch(/about 30,00\d marks, .* 30,000/);
    expect(tooLarge(view, { ...table, rows: rows.slice(9) }), view.mark).toBeUndefined();
    if (view.mark !== "grid") expect(tooLarge({ ...view, most: 12 }, table)).toBeUndefined();
  }
  const layers = [Array.from({ length: 30_000 }, String)];
  expect(tooLarge({ mark: "graph", ...ends, layers, most: 1 }, table)).toBeDefined();
  expect(tooLarge({ ...grid, facet: "c" }, table)).toBeUndefined();
  expect(tooLarge({ mark: "list", table: "t", columns: ["a"] }, table)).toBeUndefined();
});

describe("what cannot be shown is told in sentences", () => {
  const expand = readResult("expand");
  const refusal = (given: unknown, shows = degreesShows): unknown => {
    try {
      return shownOf(given, shows);
    } catch (error) {
      const { code, message } = Object(error);
      return `${code} ${message}`;
    }
  };

  test("no result, another kind, a newer one, one that was cut", () => {
    for (const nothing of [null, 3, "text", [], {}, { kind: "paths" }])
      expect(refusal(nothing), JSON.stringify(nothing)).toMatch(/^elements\/bad-result This is /);
    expect(refusal(readResult("qk"))).toMatch(
      /^elements\/other-kind .*kind qk, which resolvent-degrees does not know. It knows degree-expansion, paths, prompt-set/,
    );
    expect(refusal({ ...expand, schemaVersion: 2 })).toMatch(
      /^elements\/newer-result .*version 2 of degree-expansion, and resolvent-degrees here knows version 1/,
    );
    const { terms, ...cut } = Object(expand);
    expect(terms).toBeDefined();
    expect(refusal(cut)).toMatch(
      /^elements\/bad-result .*not as results of the kind degree-expansion/,
    );
    expect(() => parseJson("{", "x.json")).toThrow("x.json is not JSON.");
  });

  test("what is in no table: objects in place of numbers, in a result that is known", () => {
    const { terms } = Object(expand);
    const odd = terms.map((term: object) => ({ ...term, logitShare: { "<b>": 1 } }));
    expect(refusal({ ...expand, terms: odd })).toMatch(/^elements\/bad-result /);
    const warnings = Array.from({ length: 50 }, (_, i) => ({ message: `warning ${i}` }));
    const told = shownOf({ ...expand, warnings }, degreesShows).warnings;
    expect(told.slice(19)).toEqual(["warning 19", "The result has 30 more."]);
  });

  test("nothing of what the element shows", () => {
    const { attention, ...run } = Object(readResult("run"));
    expect(attention).toBeDefined();
    expect(refusal(run, patternShows)).toMatch(/^elements\/nothing-to-show .*--attention/);
    expect(refusal(readResult("set"), pathsShows)).toMatch(/^elements\/nothing-to-show/);
  });

  test("tables and views that are none", () => {
    const kind = "t";
    const column = { name: "a", kind: "text" };
    const whole = { kind, columns: [column], rows: [["x"]] };
    const views = [{ mark: "list", table: kind, columns: ["a"] }];
    const of = (table: unknown, own: unknown = views): unknown =>
      refusal({ result: expand, tables: [table], views: own }, figureShows);
    expect(of(whole)).toMatchObject({ views });
    expect(of({ ...whole, columns: [{ ...column, kind: "hologram" }] })).toMatchObject({
      tables: [{ columns: [column] }],
    });
    for (const bad of [
      { ...whole, kind: 1 },
      { ...whole, title: {} },
      { ...whole, shown: -1 },
      { ...whole, columns: [{ name: "a" }] },
      { ...whole, rows: [[{}]] },
      { ...whole, rows: "x" },
      { ...whole, rest: 4 },
      { ...whole, notes: [1] },
      null,
    ])
      expect(of(bad), JSON.stringify(bad)).toMatch(/^analysis\/bad-table /);
    expect(of(whole, [{ mark: "list", table: "other" }])).toMatch(/^analysis\/bad-view /);
    expect(of(whole, {})).toMatch(/^analysis\/bad-view /);
  });
});
