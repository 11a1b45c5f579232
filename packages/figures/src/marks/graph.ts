import type { GraphView, Table } from "@resolvent/analysis";
import { cellText, columnOf, numberAt, refersOf, shownRows } from "../reading.ts";
import type { Drawing, Shape } from "../shape.ts";
import { DOT, dotPlaces, NAMED } from "./graph-dots.ts";
import { graphPlaces, HEIGHT, LAYER } from "./graph-places.ts";

const WIDEST = 6;

/** Nodes in layers, the first at the bottom, and the edges between them by sign and size. */
export function graphLayout(view: GraphView, table: Table, width: number): Omit<Drawing, "title"> {
  const [from, to, value] = [view.from, view.to, view.value].map((name) => columnOf(table, name));
  if (from === undefined || to === undefined || value === undefined)
    return { width, height: 0, alt: "", shapes: [] };
  const { columns = [], layers } = view;
  const count = layers.reduce((sum, layer) => sum + layer.length, 0);
  const {
    places,
    width: total,
    height,
  } = columns.length > 0 && count > NAMED
    ? dotPlaces(layers, columns, width)
    : graphPlaces(layers, view.columns, width);
  const rows = shownRows(table, view.most);
  const largest =
    rows.reduce((most, row) => Math.max(most, Math.abs(numberAt(row, value.at) ?? 0)), 0) || 1;
  const edges = rows.flatMap((row, i) => {
    const [source, target] = [String(row[from.at]), String(row[to.at])];
    const [a, b, number] = [places.get(source), places.get(target), numberAt(row, value.at)];
    if (a === undefined || b === undefined || number === null) return [];
    const half = ({ box }: typeof a): number => (box === 0 ? DOT / 2 : HEIGHT / 2);
    const [ya, yb] = [a.y - half(a), b.y + half(b)];
    const bend = Math.max(16, (ya - yb) / 2);
    // What passes by nodes bows around them.
    const passed = Math.max(0, Math.round((ya - yb) / LAYER) - 1);
    const side =
      (a.x + b.x) / 2 > total / 2 || ((a.x + b.x) / 2 === total / 2 && i % 2 === 0) ? 1 : -1;
    const bow = side * Math.min(total / 3, 56 * passed);
    // A curve stays between its four points: inside, where those are.
    const inside = (x: number): number => r(Math.min(total - WIDEST, Math.max(WIDEST, x)));
    const d = `M${r(a.x)},${r(ya)}C${inside(a.x + bow)},${r(ya - bend)} ${inside(b.x + bow)},${r(yb + bend)} ${r(b.x)},${r(yb)}`;
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
  // Where edges light up by an end, the node of that name does with them.
  const keyed = view.select !== undefined && [view.from, view.to].includes(view.select);
  const boxes = [...places].flatMap(([name, { x, y, box }]): Shape[] => {
    const refers = { node: name, ...(keyed && { key: name }) };
    if (box === 0)
      return [{ kind: "circle", role: "twin", x, y, r: DOT / 2 - 1, ...refers, says: name }];
    return [
      {
        kind: "rect",
        role: "empty",
        x: x - box / 2,
        y: y - HEIGHT / 2,
        width: box,
        height: HEIGHT,
        ...refers,
      },
      { kind: "text", role: "ink", x, y: y + 4, anchor: "middle", text: name, ...refers },
    ];
  });
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

function r(value: number): number {
  return Number(value.toFixed(1));
}
