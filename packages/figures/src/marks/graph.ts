import type { GraphView, Table } from "@resolvent/analysis";
import { cellText, columnOf, numberAt, refersOf, shownRows } from "../reading.ts";
import type { Drawing, Shape } from "../shape.ts";
import { textWidth } from "../text.ts";

const HEIGHT = 22;
const LAYER = 64;
const GAP = 8;
const WIDEST = 6;

/** Nodes in layers, the first at the bottom, and the edges between them by sign and size. */
export function graphLayout(view: GraphView, table: Table, width: number): Omit<Drawing, "title"> {
  const [from, to, value] = [view.from, view.to, view.value].map((name) => columnOf(table, name));
  if (from === undefined || to === undefined || value === undefined)
    return { width, height: 0, alt: "", shapes: [] };
  const boxOf = (name: string): number => textWidth(name) + 14;
  const wide = (nodes: readonly string[]): number =>
    nodes.reduce((sum, name) => sum + boxOf(name) + GAP, GAP);
  // A layer that is too wide takes several lines, as near to each other as they can be.
  const lines = view.layers.flatMap((nodes, layer) =>
    wrapped(nodes, width, boxOf).map((line, i) => ({ line, first: i === 0 && layer > 0 })),
  );
  const total = Math.max(width, ...lines.map(({ line }) => wide(line)));
  let up = 0;
  const heights = lines.map(({ first }, i) => {
    up += i === 0 ? 0 : first ? LAYER : HEIGHT + GAP;
    return up;
  });
  const height = up + HEIGHT + 16;
  const places = new Map<
    string,
    { readonly x: number; readonly y: number; readonly box: number }
  >();
  lines.forEach(({ line }, i) => {
    // Spread over the width, so that edges have room.
    const free = (total - wide(line)) / (line.length + 1);
    let x = GAP / 2 + free;
    for (const name of line) {
      places.set(name, {
        x: x + boxOf(name) / 2,
        y: height - 8 - (heights[i] ?? 0) - HEIGHT / 2,
        box: boxOf(name),
      });
      x += boxOf(name) + GAP + free;
    }
  });
  const rows = shownRows(table, view.most);
  const largest =
    rows.reduce((most, row) => Math.max(most, Math.abs(numberAt(row, value.at) ?? 0)), 0) || 1;
  const edges = rows.flatMap((row, i) => {
    const [source, target] = [String(row[from.at]), String(row[to.at])];
    const [a, b, number] = [places.get(source), places.get(target), numberAt(row, value.at)];
    if (a === undefined || b === undefined || number === null) return [];
    const [ya, yb] = [a.y - HEIGHT / 2, b.y + HEIGHT / 2];
    const bend = Math.max(16, (ya - yb) / 2);
    // What passes by nodes bows around them.
    const passed = Math.max(0, Math.round((ya - yb) / LAYER) - 1);
    const side =
      (a.x + b.x) / 2 > total / 2 || ((a.x + b.x) / 2 === total / 2 && i % 2 === 0) ? 1 : -1;
    const bow = side * Math.min(total / 3, 56 * passed);
    const d = `M${r(a.x)},${r(ya)}C${r(a.x + bow)},${r(ya - bend)} ${r(b.x + bow)},${r(yb + bend)} ${r(b.x)},${r(yb)}`;
    const share = Math.sqrt(Math.abs(number) / largest);
    const says = `${source} → ${target}: ${cellText(number, value.column)}`;
    return [
      {
        kind: "path",
        role: number < 0 ? "against" : "towards",
        d,
        width: Math.max(0.75, WIDEST * share),
        level: 0.25 + 0.6 * share,
        ...refersOf(table, row, view.select),
        node: `${source} ${target}`,
        says,
      } satisfies Shape,
    ];
  });
  const boxes = [...places].flatMap(([name, { x, y, box }]): Shape[] => [
    {
      kind: "rect",
      role: "empty",
      x: x - box / 2,
      y: y - HEIGHT / 2,
      width: box,
      height: HEIGHT,
      node: name,
    },
    { kind: "text", role: "ink", x, y: y + 4, anchor: "middle", text: name, node: name },
  ]);
  return {
    width: Math.ceil(total),
    height,
    alt: `${places.size} nodes and ${edges.length} edges, the embedding at the bottom. Largest: ${edges
      .slice(0, 5)
      .map(({ says }) => says)
      .join("; ")}.`,
    shapes: [...edges.toReversed(), ...boxes],
  };
}

function wrapped(
  nodes: readonly string[],
  width: number,
  boxOf: (name: string) => number,
): string[][] {
  const lines: string[][] = [[]];
  let used = GAP;
  for (const name of nodes) {
    const line = lines.at(-1) ?? [];
    if (line.length > 0 && used + boxOf(name) + GAP > width) {
      lines.push([name]);
      used = GAP + boxOf(name) + GAP;
    } else {
      line.push(name);
      used += boxOf(name) + GAP;
    }
  }
  return lines;
}

function r(value: number): number {
  return Number(value.toFixed(1));
}
