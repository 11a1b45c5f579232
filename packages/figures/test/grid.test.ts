import type { Table, View } from "@resolvent/analysis";
import { expect, test } from "vitest";
import { layout, type Shape, svgOf } from "../src/index.ts";

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
