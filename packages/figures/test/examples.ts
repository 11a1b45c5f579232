import type { Table, View } from "@resolvent/analysis";

/** A figure of each kind: what its drawing is held against, and a page of them for people. */
export interface Example {
  readonly name: string;
  readonly view: View;
  readonly table: Table;
}

const tokens = ["Once", " upon", " a", " time", "\n"];
const places = tokens.map((token, pos) => ({ key: String(pos), token }));

const parts: Table = {
  kind: "part",
  title: "What each part does",
  columns: [
    { name: "part", kind: "text", refers: "node" },
    { name: "effect", kind: "effect" },
    { name: "low", kind: "number" },
    { name: "high", kind: "number" },
    { name: "other", kind: "effect", head: "in the other model" },
    { name: "sum", kind: "number", head: "sum so far" },
    { name: "pos", kind: "count", refers: "pos" },
  ],
  rows: [
    ["embed", 2.5, 2.1, 2.9, 1.5, 2.5, 0],
    ["L0.H1", -1.25, -2, -0.5, 0.5, 1.25, 1],
    ["L0.mlp", 4, 3.5, 4.5, 4.25, 5.25, 2],
    ["L1.H0", 0.03, -0.2, 0.26, -0.75, 5.28, 3],
  ],
  rest: ["others", -0.4, null, null, null, 4.88, null],
};

const cells: Table = {
  kind: "cell",
  title: "By node and position",
  columns: [
    { name: "node", kind: "text", refers: "node" },
    { name: "position", kind: "count", refers: "pos" },
    { name: "effect", kind: "effect" },
    { name: "share", kind: "share" },
    { name: "likeliest", kind: "token" },
    { name: "key", kind: "count", refers: "pos" },
  ],
  rows: ["L1.H0", "L0.H1", "embed"].flatMap((node, n) =>
    tokens.map((_, pos) => [
      ...[node, pos, (pos - 2) * (n + 0.5) * 1.1, (pos + 1) / 6],
      ...[tokens[(pos + n) % tokens.length] ?? null, Math.max(0, pos - n)],
    ]),
  ),
};

const passages: Table = {
  kind: "example-token",
  title: "Where features are strongest",
  columns: [
    { name: "feature", kind: "text" },
    { name: "example", kind: "text" },
    { name: "token", kind: "token" },
    { name: "activation", kind: "effect" },
  ],
  rows: Object.entries({ F12: [0, 0.25, 2, 0, 1], F7: [0.5, -0.25, 0, 0, 0] }).flatMap(
    ([feature, activations]) =>
      [1, 2].flatMap((example) =>
        tokens.map((token, pos) => [
          ...[feature, `${feature}, example ${example}`, token],
          (activations[pos] ?? 0) / example,
        ]),
      ),
  ),
};

const routes: Table = {
  kind: "route",
  title: "Routes",
  columns: [
    { name: "path", kind: "count" },
    { name: "source", kind: "text" },
    { name: "nodes", kind: "text", refers: "node" },
    { name: "positions", kind: "text", refers: "pos" },
    { name: "effect", kind: "effect" },
  ],
  rows: [
    [1, "embed", "L0.H1 L1.mlp", "1 4 4", 3],
    [1, "embed", "L0.H1 L1.mlp", "2 4 4", 1.5],
    [2, "bias:L0.mlp", "L1.H0", "2 4", -2],
  ],
};

const edges: Table = {
  kind: "edge",
  title: "Edges",
  columns: [
    { name: "edge", kind: "count" },
    { name: "from", kind: "text", refers: "node" },
    { name: "to", kind: "text", refers: "node" },
    { name: "score", kind: "effect" },
  ],
  rows: [
    [1, "embed", "L0.H1", -3],
    [2, "L0.H1", "final", -2],
    [3, "embed", "final", 1],
  ],
};

const grid = { mark: "grid", table: "cell", x: "position", y: "node", select: "node" } as const;

export const examples: readonly Example[] = [
  {
    name: "bars",
    table: parts,
    view: {
      ...{ mark: "bars", table: "part", y: "part", x: "effect", rest: true, select: "part" },
      ...{ low: "low", high: "high", line: "sum", twin: "other", cursor: "k" },
    },
  },
  ...(["dots", "lines"] as const).map(
    (mark): Example => ({
      name: mark,
      table: parts,
      view: {
        ...{ mark, table: "part", x: "part", select: "part" },
        y: [{ column: "effect", low: "low", high: "high" }, { column: "other" }],
      },
    }),
  ),
  {
    name: "grid",
    table: cells,
    view: { ...grid, value: "effect", axes: { x: places } },
  },
  {
    name: "grid-of-tokens",
    table: cells,
    view: { ...grid, value: "share", text: "likeliest", axes: { x: places } },
  },
  {
    name: "grids",
    table: cells,
    view: {
      ...{ mark: "grid", table: "cell", x: "key", y: "position", value: "share", facet: "node" },
      ...{ select: "node", axes: { x: places, y: places } },
    },
  },
  {
    name: "routes",
    table: routes,
    view: {
      ...{ mark: "routes", table: "route", source: "source", nodes: "nodes", at: "positions" },
      ...{ width: "effect", select: "path" },
      axes: {
        x: places,
        y: ["L0.attn", "L0.mlp", "L1.attn", "L1.mlp"].map((key) => ({ key })),
      },
    },
  },
  {
    name: "arcs",
    table: cells,
    view: {
      ...{ mark: "arcs", table: "cell", from: "position", to: "key", value: "share" },
      ...{ select: "node", axes: { x: places } },
    },
  },
  {
    name: "passages",
    table: passages,
    view: {
      ...{ mark: "passages", table: "example-token", passage: "example", token: "token" },
      ...{ value: "activation", within: "feature", select: "example" },
    },
  },
  {
    name: "scatter",
    table: parts,
    view: {
      ...{ mark: "scatter", table: "part", x: "effect", y: "other", label: "part" },
      select: "part",
    },
  },
  {
    name: "slope",
    table: parts,
    view: {
      ...{ mark: "slope", table: "part", label: "part", from: "effect", to: "other" },
      select: "part",
    },
  },
  {
    name: "graph",
    table: edges,
    view: {
      ...{ mark: "graph", table: "edge", from: "from", to: "to", value: "score", select: "edge" },
      layers: [["embed"], ["L0.H1"], ["final"]],
    },
  },
  {
    name: "list",
    table: parts,
    view: {
      ...{ mark: "list", table: "part", columns: ["part", "effect", "pos"], rest: true },
      select: "part",
    },
  },
];
