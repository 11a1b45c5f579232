import type { Table, View } from "@resolvent/analysis";
import { expect, test } from "vitest";
import { layout, pageOf, type Shape, svgOf } from "../src/index.ts";

const columns = [
  { name: "head", kind: "text", refers: "node" },
  { name: "query", kind: "count", refers: "pos" },
  { name: "key", kind: "count", refers: "pos" },
  { name: "effect", kind: "effect" },
  { name: "token", kind: "token" },
] as const;

const texts = (shapes: readonly Shape[]): string[] =>
  shapes.flatMap((shape) => (shape.kind === "text" && shape.role !== "faint" ? [shape.text] : []));

const three: Table = {
  ...{ kind: "cell", columns },
  rows: [
    ["h", 0, 0, 14.53, " a"],
    ["h", 0, 1, -0.52, "\n"],
    ["h", 1, 0, -3.26, " long token that is too long"],
    ["h", 1, 1, 0, "b"],
  ],
};
const view: View = { mark: "grid", table: "cell", x: "key", y: "query", value: "effect" };

test("every cell has its number, in one number of decimals, where they all have room; else none", () => {
  expect(texts(layout(view, [three], { width: 400 }).shapes)).toEqual(["14.5", "−.5", "−3.3"]);
  expect(texts(layout(view, [three], { width: 60 }).shapes)).toEqual([]);
});

test("cells may have words instead, and say both", () => {
  const { shapes } = layout({ ...view, text: "token" }, [three], { width: 400 });
  const [first, second, third] = texts(shapes);
  expect([first, second, third?.startsWith("␣long"), third?.endsWith("…")]).toEqual([
    ...["␣a", "⏎", true, true],
  ]);
  const says = shapes.flatMap(({ says: said }) => said ?? []);
  expect(says[1]).toBe("0, 1: ⏎ −0.520");
});

test("many cells side by side stay small, and still refer to head and position", () => {
  const [heads, length] = [16, 78];
  const rows = Array.from({ length: heads }, (_, h) =>
    Array.from({ length }, (_, q) =>
      Array.from({ length: q + 1 }, (_, k) => [`L0.H${h}`, q, k, k === q ? 1 : 0.3, " a"]),
    ),
  ).flat(2);
  const many: Table = { ...{ kind: "cell", columns }, rows };
  const drawing = layout({ ...view, facet: "head" }, [many], { width: 900 });
  const areas = drawing.shapes.filter(({ kind }) => kind === "path");
  expect(areas).toHaveLength(heads * (2 * length - 1)); // two colours a line, one in the first
  expect(areas[0]?.node).toBe("L0.H0");
  const svg = svgOf(drawing);
  expect(svg.length).toBeLessThan(1_000_000);
  expect(svg).toContain('<path class="towards f"');
  // As much is painted as there are cells.
  const painted = areas.reduce(
    (sum, one) => sum + (one.kind === "path" ? (one.d.match(/M/g)?.length ?? 0) : 0),
    0,
  );
  expect(painted).toBe(rows.length);
});

test("pages of large models stay small: 1200 heads, a circuit of 500 edges", () => {
  const names = Array.from({ length: 48 }, (_, layer) =>
    Array.from({ length: 25 }, (_, head) => ({ layer, head, name: `L${layer}.H${head}` })),
  );
  const heads: Table = {
    kind: "head",
    columns: [
      { name: "name", kind: "text", refers: "node" },
      { name: "layer", kind: "count" },
      { name: "head", kind: "count" },
      { name: "score", kind: "number" },
      { name: "copying", kind: "number" },
    ],
    rows: names
      .flat()
      .map(({ layer, head, name }) => [
        ...[name, layer, head, Math.sin(layer + head) ** 2, Math.cos(layer * head)],
      ]),
  };
  const edges: Table = {
    kind: "edge",
    columns: [
      { name: "from", kind: "text", refers: "node" },
      { name: "to", kind: "text", refers: "node" },
      { name: "score", kind: "effect" },
    ],
    rows: Array.from({ length: 500 }, (_, i) => [
      ...[`L${i % 11}.H${i % 25}`, `L${(i % 11) + 1}.H${(i * 7) % 25}`, Math.sin(i)],
    ]),
  };
  const layers = names.slice(0, 12).map((layer) => layer.map(({ name }) => name));
  const grids = ["score", "copying"].map(
    (value): View => ({ mark: "grid", table: "head", x: "head", y: "layer", value }),
  );
  const page = pageOf({
    analysis: { name: "heads", summary: "heads", description: "Heads." },
    result: {
      ...{ schemaVersion: 1, kind: "head-scores" },
      model: { name: "large", sha256: null, architecture: "gpt2" },
    },
    answer: [],
    tables: [heads, edges],
    views: [
      { mark: "scatter", table: "head", x: "score", y: "copying", label: "name" },
      ...grids,
      { mark: "graph", table: "edge", from: "from", to: "to", value: "score", layers },
    ],
    soundness: { notFinite: [], unbalanced: [], warnings: [] },
    ...{ command: "resolvent heads large", version: "0" },
  });
  expect(page.match(/<path class="(?:towards|against) o"/g)?.length).toBe(2 * 500);
  expect(page.length).toBeLessThan(2_000_000);
});

test("a full colour that is said keeps small numbers faint, and the legend says it", () => {
  const levels = (given: View): number[] =>
    layout(given, [three], { width: 400 }).shapes.flatMap((shape) =>
      shape.kind === "rect" && shape.says !== undefined ? [shape.level ?? 0] : [],
    );
  const [own = 0] = levels(view);
  expect(levels({ ...view, full: 145.3 })[0]).toBeCloseTo(own / 10, 9);
  expect(levels({ ...view, full: 1 })).toEqual(levels(view)); // never less than the largest
  const { shapes } = layout({ ...view, full: 100 }, [three], { width: 400 });
  expect(shapes.flatMap((shape) => (shape.kind === "text" ? [shape.text] : []))).toContain("100");
});

test("axes of points reach what they are to reach", () => {
  const points: View = { mark: "scatter", table: "cell", x: "effect", y: "effect" };
  const ticks = (reach: { readonly x?: number }): string[] =>
    layout({ ...points, reach }, [three], { width: 400 }).shapes.flatMap((shape) =>
      shape.kind === "text" && shape.anchor === "middle" ? [shape.text] : [],
    );
  expect(ticks({}).at(-1)).toBe("15");
  expect(ticks({ x: 40 }).at(-1)).toBe("40");
});
