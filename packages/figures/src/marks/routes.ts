import type { RoutesView, Table } from "@resolvent/analysis";
import { cellText, columnOf, numberAt, refersOf } from "../reading.ts";
import type { Drawing, Shape } from "../shape.ts";
import { cut, textWidth, visible } from "../text.ts";

const ROW = 26;
const WIDEST = 7;
const TOKEN = 90;

/** Paths over tokens (columns) and blocks (rows, the embedding at the bottom, logits on top). */
export function routesLayout(
  view: RoutesView,
  table: Table,
  width: number,
): Omit<Drawing, "title"> {
  const [nodes, at, size] = [view.nodes, view.at, view.width].map((name) => columnOf(table, name));
  if (nodes === undefined || at === undefined || size === undefined)
    return { width, height: 0, alt: "", shapes: [] };
  const levels = ["embed", ...view.axes.y.map(({ key }) => key), "logits"];
  const tokens = view.axes.x.map(({ key, token }) => (token === undefined ? key : visible(token)));
  const left = levels.reduce((most, name) => Math.max(most, textWidth(name)), 0) + 10;
  const cell = Math.max(18, (width - left - 4) / Math.max(1, tokens.length));
  const total = Math.ceil(left + cell * tokens.length + 4);
  const bottom = ROW * levels.length;
  const x = (pos: number): number => left + (pos + 0.5) * cell;
  const y = (level: number): number => bottom - (level + 0.5) * ROW;
  const shapes: Shape[] = levels.flatMap((name, i): Shape[] => [
    { kind: "line", role: "grid", x1: left, x2: total - 4, y1: y(i), y2: y(i) },
    {
      kind: "text",
      role: "faint",
      x: left - 8,
      y: y(i) + 4,
      anchor: "end",
      text: name,
      node: name,
    },
  ]);
  const long = tokens.some((text) => textWidth(text, { mono: true }) > cell - 4);
  const tall = long
    ? Math.min(
        TOKEN,
        tokens.reduce((most, text) => Math.max(most, textWidth(text, { mono: true })), 0),
      )
    : 14;
  tokens.forEach((text, pos) => {
    const own = cut(text, TOKEN, { mono: true });
    shapes.push(
      { kind: "line", role: "grid", x1: x(pos), x2: x(pos), y1: y(levels.length - 1), y2: y(0) },
      long
        ? {
            kind: "text",
            role: "ink",
            x: x(pos) + 4,
            y: bottom + tall + 2,
            text: own,
            mono: true,
            upwards: true,
            pos: String(pos),
          }
        : {
            kind: "text",
            role: "ink",
            x: x(pos),
            y: bottom + 14,
            anchor: "middle",
            text: own,
            mono: true,
            pos: String(pos),
          },
    );
  });
  // A row without positions is what all other routes of a path are together.
  const rows = table.rows
    .filter((row) => row[at.at] !== null)
    .toSorted((a, b) => Math.abs(numberAt(b, size.at) ?? 0) - Math.abs(numberAt(a, size.at) ?? 0))
    .slice(0, view.most);
  const largest =
    rows.reduce((most, row) => Math.max(most, Math.abs(numberAt(row, size.at) ?? 0)), 0) || 1;
  const drawn = rows.flatMap((row, i) => {
    const effect = numberAt(row, size.at);
    const positions = String(row[at.at] ?? "")
      .split(" ")
      .filter((word) => word !== "")
      .map(Number);
    const passed = String(row[nodes.at] ?? "")
      .split(" ")
      .filter((word) => word !== "");
    const steps = [
      0,
      ...passed.map((node) => levels.findIndex((level) => isIn(node, level))),
      levels.length - 1,
    ];
    const spots = [...positions, positions.at(-1) ?? 0];
    if (effect === null || positions.length !== passed.length + 1 || steps.includes(-1)) return [];
    // Side by side, so that paths of one way are all seen.
    const aside = ((i % 5) - 2) * Math.min(2.5, cell / 8);
    const points = steps.map(
      (level, n) => [x(spots[n] ?? 0) + aside, y(level) + aside / 2] as const,
    );
    const d = points.map(([px, py], n) => {
      const [bx, by] = points[n - 1] ?? [px, py];
      if (n === 0) return `M${r(px)},${r(py)}`;
      const mid = r((by + py) / 2);
      return `C${r(bx)},${mid} ${r(px)},${mid} ${r(px)},${r(py)}`;
    });
    const width0 = Math.max(1, WIDEST * Math.sqrt(Math.abs(effect) / largest));
    const says = `${passed.join(" → ")} at ${positions.join(", ")}: ${cellText(effect, size.column)}`;
    return [
      {
        kind: "path",
        role: effect < 0 ? "against" : "towards",
        d: d.join(""),
        width: width0,
        level: 0.75,
        ...refersOf(table, row, view.select),
        says,
      } satisfies Shape,
    ];
  });
  // The largest on top.
  shapes.push(...drawn.toReversed());
  const said = drawn.slice(0, 4).map(({ says }) => says);
  return {
    width: Math.max(total, Math.min(width, total)),
    height: bottom + tall + 10,
    alt: `${drawn.length} paths over ${tokens.length} tokens and ${view.axes.y.length} blocks. ${said.join("; ")}.`,
    shapes,
  };
}

/** Whether a node is in a block: `L0.H3` in `L0.attn`, `L2.N12` in `L2.mlp`, each block in itself. */
function isIn(node: string, block: string): boolean {
  if (node === block) return true;
  const [, layer, kind] = /^(L\d+)\.(H|N)\d+$/.exec(node) ?? [];
  return block === `${layer}.${kind === "H" ? "attn" : "mlp"}`;
}

function r(value: number): number {
  return Number(value.toFixed(1));
}
