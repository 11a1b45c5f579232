import type { Table } from "@resolvent/analysis";
import { describe, expect, test } from "vitest";
import { type SelectionOptions, selectedRows } from "../src/selection.ts";

const table: Table = {
  kind: "edge",
  columns: [
    { name: "source", head: "from", kind: "text" },
    { name: "token", kind: "token" },
    { name: "degree", kind: "count" },
    { name: "effect", kind: "effect" },
    { name: "low", head: "95 %", kind: "number" },
    { name: "high", head: "95 %", kind: "number" },
    { name: "a=b", kind: "number" },
    { name: "a", kind: "number" },
  ],
  rows: [
    ["L10.H2", " to", 1, -3, 0, 1, 1, 9],
    ["L2.H2", ",", 2, 2, 0, 1, 2, 8],
    ["L2.H10", " to", 2, null, 0, 1, 3, 7],
    ["embed", "a=b", 3, 0.5, 0, 1, 4, 6],
  ],
};
const rows = (options: SelectionOptions): readonly number[] => selectedRows(table, options);

describe("sorted", () => {
  test.each([
    ["effect", [0, 3, 1, 2]],
    ["effect:asc", [0, 3, 1, 2]],
    ["effect:desc", [1, 3, 0, 2]],
    ["abs:effect", [3, 1, 0, 2]],
    ["abs:effect:desc", [0, 1, 3, 2]],
    ["from", [3, 1, 2, 0]],
    ["source:desc", [0, 2, 1, 3]],
    ["degree:desc", [3, 1, 2, 0]],
    ["a", [3, 2, 1, 0]],
    ["a=b:desc", [3, 2, 1, 0]],
  ])("by %s", (sort, order) => {
    expect(rows({ sort })).toEqual(order);
  });
});

describe("filtered", () => {
  test.each([
    [["degree=2"], [1, 2]],
    [["degree:eq:2"], [1, 2]],
    [["degree!=2"], [0, 3]],
    [["degree:ne:2"], [0, 3]],
    [["effect>0"], [1, 3]],
    [["effect:gt:0"], [1, 3]],
    [["effect>=0.5"], [1, 3]],
    [["effect:le:0.5"], [0, 3]],
    [["effect<-1e0"], [0]],
    [["effect:lt:0"], [0]],
    [["effect:ge:2"], [1]],
    [["abs:effect:gt:1"], [0, 1]],
    [["effect:ne:7"], [0, 1, 3]],
    [["from=embed"], [3]],
    [["source:has:H2"], [0, 1]],
    [["token=,"], [1]],
    [["token=a=b"], [3]],
    [["token= to"], [0, 2]],
    [["a=b=4"], [3]],
    [["a=9"], [0]],
    [
      ["a=b:gt:1", "a<8"],
      [2, 3],
    ],
    [["degree=2", "effect>1"], [1]],
    [["degree=77"], []],
  ])("%j", (filter, kept) => {
    expect(rows({ filter })).toEqual(kept);
  });

  test("and sorted", () => {
    expect(rows({ filter: ["effect>-9"], sort: "effect:desc" })).toEqual([1, 3, 0]);
  });
});

describe("what does not fit is refused, with what would", () => {
  test.each<[SelectionOptions, string]>([
    [
      { sort: "efect" },
      'edge has no column "efect". Did you mean "effect"? Its columns: source (from), token, degree',
    ],
    [{ sort: "effect:down" }, 'no column "effect:down"'],
    [{ sort: "95 %" }, '2 columns of edge are headed "95 %"'],
    [{ sort: "abs:source" }, "has words, which have no size"],
    [{ filter: ["efect>1"] }, '--filter: edge has no column "efect"'],
    [{ filter: ["effect>much"] }, '"effect" has numbers, got "much"'],
    [{ filter: ["effect>"] }, '"effect" has numbers, got ""'],
    [{ filter: ["effect:has:1"] }, '"effect" has numbers.'],
    [{ filter: ["from>a"] }, '"source" has words'],
    [{ filter: ["effect"] }, "takes a column, a test and a value"],
    [{ filter: ["=3"] }, "takes a column, a test and a value"],
  ])("%j", (options, said) => {
    expect(() => rows(options)).toThrow(said);
  });
});
