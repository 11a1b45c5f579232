import { expect, test } from "vitest";
import { checkViews, type Table, tokenPlaces, type View } from "../src/index.ts";

const table: Table = {
  kind: "part",
  columns: [
    { name: "name", kind: "text" },
    { name: "effect", kind: "effect" },
    { name: "extra", kind: "number", detail: true },
  ],
  rows: [["a", 1, 2]],
};

test("views that name what is there come back as they are", () => {
  const views: View[] = [
    {
      mark: "bars",
      table: "part",
      y: "name",
      x: "effect",
      cursor: "k",
      select: "name",
      rest: true,
    },
    { mark: "dots", table: "part", x: "name", y: [{ column: "effect", low: "extra" }] },
    {
      mark: "grid",
      table: "part",
      x: "name",
      y: "name",
      value: "effect",
      full: 1,
      axes: { x: [{ key: "a" }] },
    },
    { mark: "graph", table: "part", from: "name", to: "name", value: "effect", layers: [["a"]] },
    { mark: "list", table: "part", columns: ["name"], most: 3 },
    { mark: "scatter", table: "part", x: "effect", y: "extra", reach: { x: 1 } },
  ];
  expect(checkViews(JSON.parse(JSON.stringify(views)), [table])).toEqual(views);
});

test("an unknown mark is a list of what people see", () => {
  expect(checkViews([{ mark: "sunburst", table: "part", title: "T", rings: 3 }], [table])).toEqual([
    { mark: "list", table: "part", columns: ["name", "effect"], rest: false, title: "T" },
  ]);
});

test.each([
  [{}, "views: expected an array"],
  [[null], "views[0]: expected an object, got null"],
  [
    [{ mark: "bars", table: "other", x: "effect", y: "name" }],
    "views[0].table: expected one of part",
  ],
  [
    [{ mark: "bars", table: "part", x: "effects", y: "name" }],
    "views[0].x: expected one of name, effect",
  ],
  [[{ mark: "bars", table: "part", x: "effect" }], "views[0].y: expected one of"],
  [[{ mark: "bars", table: "part", x: "effect", y: "name", colour: "red" }], 'got "colour"'],
  [[{ mark: "bars", table: "part", x: "effect", y: "name", most: 0 }], "a whole number from 1"],
  [
    [{ mark: "bars", table: "part", x: "effect", y: "name", scale: "sqrt" }],
    "linear, symlog or log",
  ],
  [
    [{ mark: "dots", table: "part", x: "name", y: [{ column: "effect", low: "l" }] }],
    "views[0].y[0].low",
  ],
  [[{ mark: "arcs", table: "part", from: "name", to: "name", value: "effect" }], "views[0].axes"],
  [
    [{ mark: "arcs", table: "part", from: "name", to: "name", value: "effect", axes: { y: [] } }],
    "views[0].axes.x",
  ],
  [
    [
      {
        ...{ mark: "routes", table: "part", nodes: "name", at: "name", width: "effect" },
        axes: { x: [] },
      },
    ],
    "views[0].axes.y",
  ],
  [
    [{ mark: "graph", table: "part", from: "name", to: "name", value: "effect", layers: [[1]] }],
    "names",
  ],
  [
    [{ mark: "grid", table: "part", x: "name", y: "name", value: "effect", full: 0 }],
    "views[0].full: expected a number above 0",
  ],
  [
    [{ mark: "scatter", table: "part", x: "effect", y: "extra", reach: { z: 1 } }],
    "views[0].reach: expected x and y",
  ],
  [
    [{ mark: "scatter", table: "part", x: "effect", y: "extra", reach: { y: "1" } }],
    "views[0].reach.y: expected a number above 0",
  ],
])("%j is refused", (views, said) => {
  expect(() => checkViews(views, [table])).toThrow(said);
  expect(() => checkViews(views, [table])).toThrow(
    expect.objectContaining({ code: "analysis/bad-view" }),
  );
});

test("positions of a prompt as places", () => {
  expect(
    tokenPlaces([
      { id: 3, text: " a" },
      { id: 3, text: " a" },
    ]),
  ).toEqual([
    { key: "0", token: " a" },
    { key: "1", token: " a" },
  ]);
});
