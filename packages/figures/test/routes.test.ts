import type { Table, View } from "@resolvent/analysis";
import { expect, test } from "vitest";
import { layout, type Shape } from "../src/index.ts";
import { spansOf } from "../src/marks/token-spans.ts";
import { wrap } from "../src/text.ts";

type Of<K extends Shape["kind"]> = Extract<Shape, { kind: K }>;

const table = (...rows: Table["rows"][number][]): Table => ({
  kind: "route",
  columns: [
    { name: "source", kind: "text" },
    { name: "nodes", kind: "text", refers: "node" },
    { name: "at", kind: "text", refers: "pos" },
    { name: "effect", kind: "effect" },
  ],
  rows,
});

const view = (tokens: number): View => ({
  ...{ mark: "routes", table: "route", source: "source", nodes: "nodes", at: "at" },
  width: "effect",
  axes: {
    x: Array.from({ length: tokens }, (_, pos) => ({ key: String(pos), token: " a" })),
    y: ["L0.attn", "L0.mlp", "L1.attn", "L1.mlp"].map((key) => ({ key })),
  },
});

function drawn<K extends Shape["kind"]>(own: Table, tokens: number, kind: K, width = 600): Of<K>[] {
  const { shapes } = layout(view(tokens), [own], { width });
  return shapes.filter((shape): shape is Of<K> => shape.kind === kind);
}

test("a route starts at the embedding, or at the block whose bias it is", () => {
  const own = table(
    ["embed", "L0.H1 L1.mlp", "0 1 1", 4],
    ["bias:L0.mlp", "L1.mlp", "1 1", -3],
    ["bias:L0.attn.b_O", "", "1", 2],
    ["bias:L0.H3", "L0.mlp", "1 1", 1],
    ["bias:L7.mlp", "", "1", 9], // no block of this model
  );
  const levels = new Map(
    drawn(own, 2, "text").flatMap(({ text, node, y }) => (text === node ? [[text, y - 4]] : [])),
  );
  const starts = drawn(own, 2, "circle").map(({ y, says }) => [says?.split(" at ")[0], y]);
  expect(starts).toEqual([
    ["bias of L0.H3 → L0.mlp", levels.get("L0.attn")],
    ["bias of L0.attn", levels.get("L0.attn")],
    ["bias of L0.mlp → L1.mlp", levels.get("L0.mlp")],
    ["L0.H1 → L1.mlp", levels.get("embed")],
  ]);
});

test("routes of one way run side by side, in their column", () => {
  const rows = Array.from({ length: 12 }, (_, i) => ["embed", "L0.mlp", "1 1", 12 - i] as const);
  const xs = drawn(table(...rows), 4, "circle").map(({ x }) => x);
  expect(new Set(xs).size).toBe(12);
  const tokens = drawn(table(...rows), 4, "text").filter(({ text }) => text === "␣a");
  const [left = 0, middle = 0, right = 0] = tokens.map(({ x }) => x);
  expect(Math.min(...xs)).toBeGreaterThan((left + middle) / 2);
  expect(Math.max(...xs)).toBeLessThan((middle + right) / 2);
});

test("60 tokens keep to the width: those that no route touches stand together, and refer to their positions", () => {
  const own = table(["embed", "L0.H0", "20 59", 2], ["embed", "L1.H0", "40 59", -1]);
  for (const width of [356, 900]) {
    const { width: taken } = layout(view(60), [own], { width });
    expect(taken).toBeLessThanOrEqual(width);
    const bands = drawn(own, 60, "rect", width).map(({ pos }) => pos?.split(" ").map(Number));
    expect(bands.map((all) => [all?.[0], all?.at(-1), all?.length])).toEqual([
      [0, 19, 20],
      [21, 39, 19],
      [41, 58, 18],
    ]);
    const texts = drawn(own, 60, "text", width).map(({ text }) => text);
    expect(texts).toContain("20 tokens");
    expect(texts.filter((text) => text === "␣a")).toHaveLength(3);
  }
  expect(drawn(own, 60, "rect", 2000)).toEqual([]);
});

test("spans are all tokens, in order, side by side", () => {
  const spans = spansOf(30, new Set([0, 3, 29]), { room: 200, column: 20, band: 26 });
  expect(spans.map(({ from, to }) => [from, to])).toEqual([
    [0, 0],
    [1, 2],
    [3, 3],
    [4, 28],
    [29, 29],
  ]);
  for (const [i, span] of spans.entries()) {
    const before = spans[i - 1];
    expect(span.x).toBeCloseTo(before === undefined ? 0 : before.x + before.width, 9);
  }
  expect((spans.at(-1)?.x ?? 0) + (spans.at(-1)?.width ?? 0)).toBeCloseTo(200, 9);
});

test("words wrap at spaces, not within a quoted token; what is too much is cut", () => {
  expect(wrap("short", 100, { lines: 2 })).toEqual(["short"]);
  expect(wrap(`" Mary" " Tom" " park"`, 60, { lines: 3 })).toEqual([
    `" Mary"`,
    `" Tom"`,
    `" park"`,
  ]);
  const [first, second, ...more] = wrap("L0.H2 → L0.mlp → L2.H3 → L3.mlp", 80, { lines: 2 });
  expect([first, second?.endsWith("…"), more]).toEqual(["L0.H2 →", true, []]);
});

test("turned, tokens stand one below the other, and paths run to the right", () => {
  const own = table(["embed", "L0.H1 L1.mlp", "0 2 2", 4], ["bias:L0.mlp", "", "2", -1]);
  const turned = layout(view(3), [own], { width: 300, turned: true });
  const texts = turned.shapes.filter((shape) => shape.kind === "text");
  const tokens = texts.filter(({ pos }) => pos !== undefined);
  expect(tokens.map(({ x }) => x)).toEqual(Array(3).fill(tokens[0]?.x));
  expect(tokens.map(({ y }) => y)).toEqual([...tokens.map(({ y }) => y)].sort((a, b) => a - b));
  const levels = texts.filter(({ node }) => node !== undefined);
  expect(levels.map(({ text }) => text).slice(0, 2)).toEqual(["embed", "L0.attn"]);
  // A route's points are at its nodes' columns and its positions' rows.
  const path = turned.shapes.find((shape) => shape.kind === "path" && shape.role === "towards");
  const numbers = (path?.kind === "path" ? path.d : "")
    .split(/[MC, ]/)
    .filter(Boolean)
    .map(Number);
  const [x0 = 0, y0 = 0] = numbers;
  const [endX = 0, endY = 0] = numbers.slice(-2);
  expect(x0).toBeCloseTo((levels[0]?.x ?? 0) - 4, 0);
  expect(endX).toBeCloseTo((levels.at(-1)?.x ?? 0) - 4, 0);
  expect(Math.abs(y0 - (tokens[0]?.y ?? 0))).toBeLessThan(14);
  expect(Math.abs(endY - (tokens[2]?.y ?? 0))).toBeLessThan(14);
  expect(turned.width).toBeLessThanOrEqual(300);
});

test("turned, those of many tokens that no route touches stand together, and refer to their positions", () => {
  const own = table(["embed", "L0.H0", "20 59", 2], ["embed", "L1.H0", "40 59", -1]);
  const { shapes, height } = layout(view(60), [own], { width: 300, turned: true });
  const bands = shapes.flatMap(({ kind, pos }) =>
    kind === "rect" ? [pos?.split(" ").length] : [],
  );
  expect(bands).toEqual([20, 19, 18]);
  expect(height).toBeLessThan(300);
  const said = new Set(shapes.flatMap(({ pos }) => pos?.split(" ") ?? []));
  expect(said.size).toBe(60);
  // A point is in the row of its token.
  const starts = shapes.flatMap((shape) => (shape.kind === "circle" ? [shape.y] : []));
  const rows = ["20", "40"].map((pos) =>
    shapes.find((one) => one.kind === "text" && one.pos === pos),
  );
  for (const [i, row] of rows.toReversed().entries())
    expect(Math.abs((starts[i] ?? 0) - (row?.kind === "text" ? row.y - 4 : 0))).toBeLessThan(12);
});
