import type { ListView } from "@resolvent/analysis";
import { layout } from "@resolvent/figures";
import { describe, expect, test } from "vitest";
import type { Selection } from "../src/figure-element.ts";
import {
  isLit,
  type Mark,
  marksOf,
  readSelection,
  rowsOf,
  selectable,
  selectionOf,
} from "../src/mark.ts";
import { stepTo } from "../src/step.ts";

const table = {
  kind: "path",
  columns: [
    { name: "path", kind: "text" },
    { name: "nodes", kind: "text", refers: "node" },
    { name: "at", kind: "text", refers: "pos" },
    { name: "effect", kind: "effect" },
  ],
  rows: [
    ["embed → L0.H2", "L0.H2", "1", 3],
    ["embed → L0.H2 → L1.mlp", "L0.H2 L1.mlp", "1", -2],
    ["embed", null, "4", 1],
  ],
} as const;

describe("what is picked lights up what belongs to it", () => {
  const own = { mark: "list", table: "path", columns: ["path", "effect"], select: "path" } as const;
  const { shapes } = layout(own, [table], { width: 400 });
  const marks = marksOf(shapes);
  const rows = rowsOf(own, null, table);
  const lit = (selection: Selection): number[] =>
    marks.flatMap((mark, i) => (isLit(mark, rows, selection) ? [i] : []));

  test("a row of a list is one mark, in its order, with its words", () => {
    expect(marks.map(({ refers }) => refers.key)).toEqual(table.rows.map(([path]) => path));
    expect(marks.map(({ words }) => words)).toEqual([
      "embed → L0.H2, 3.00",
      "embed → L0.H2 → L1.mlp, −2.00",
      "embed, 1.00",
    ]);
    expect(marks.map((mark) => lit(selectionOf(mark, null)))).toEqual([[0], [1], [2]]);
  });

  test("without a key in common, nodes and positions decide", () => {
    const none = { key: null, column: null, node: null, pos: null };
    expect(lit({ ...none, node: "L0.H2" })).toEqual([0, 1]);
    expect(lit({ ...none, node: "L1.mlp" })).toEqual([1]);
    expect(lit({ ...none, node: "L0.H2", pos: "4" })).toEqual([]);
    expect(lit({ ...none, pos: "4 1" })).toEqual([0, 1, 2]);
    expect(lit({ ...none, pos: "4" })).toEqual([2]);
    expect(lit(none)).toEqual([]);
    // A degree called as a path is no path.
    expect(lit({ ...none, key: "embed", column: "degree" })).toEqual([]);
  });

  test("a picked degree lights up its paths", () => {
    const degree = { column: "effect", node: null, pos: null };
    expect(lit({ ...degree, key: "-2" })).toEqual([1]);
    expect(lit({ ...degree, key: "7" })).toEqual([]);
  });

  test("views without a column of their own are picked by the one that names their rows", () => {
    const { select, ...bare } = own;
    expect(selectable<ListView>(bare)).toEqual({ view: own, column: select });
    expect(selectable(own)).toEqual({ view: own, column: null });
    const bars = { mark: "bars", table: "path", y: "effect", x: "effect" } as const;
    expect(selectable(bars).column).toBe("effect");
    const grid = { mark: "grid", table: "path", x: "at", y: "nodes", value: "effect" } as const;
    expect(selectable(grid)).toEqual({ view: grid, column: null });
  });

  test("cells of a grid are marks of their own", () => {
    const grid = { mark: "grid", table: "path", x: "at", y: "path", value: "effect" } as const;
    const cells: readonly Mark[] = marksOf(layout(grid, [table], { width: 400 }).shapes);
    expect(cells).toHaveLength(3);
  });

  test("events of others are read, or left alone", () => {
    expect(readSelection({ key: "a" })).toEqual({ key: "a", column: null, node: null, pos: null });
    expect(readSelection(null)).toBeNull();
    for (const odd of [undefined, 3, "x", { key: 4 }, { node: {} }])
      expect(readSelection(odd), JSON.stringify(odd)).toBeUndefined();
  });
});

test("keys go to the next mark, or to the nearest in their direction", () => {
  const none = { count: 3, boxes: () => [], around: false };
  const next = (key: string, at: number): number | undefined => stepTo(key, at, none);
  expect([next("ArrowDown", 0), next("ArrowDown", 2), next("ArrowLeft", 0)]).toEqual([1, 2, 0]);
  expect([next("Home", 2), next("End", 0), next("a", 1)]).toEqual([0, 2, undefined]);
  const box = (x: number, y: number) => ({ left: x, right: x + 10, top: y, bottom: y + 10 });
  const boxes = () => [box(0, 0), box(20, 0), box(40, 0), box(0, 20), box(20, 20), box(40, 20)];
  const go = (key: string, at: number): number | undefined =>
    stepTo(key, at, { count: 6, boxes, around: true });
  expect([go("ArrowRight", 0), go("ArrowDown", 1), go("ArrowLeft", 5)]).toEqual([1, 4, 4]);
  expect([go("ArrowUp", 1), go("ArrowUp", 3)]).toEqual([1, 0]);
});
