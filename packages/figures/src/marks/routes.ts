import type { RoutesView, Table } from "@resolvent/analysis";
import { cellText, columnOf, numberAt, refersOf } from "../reading.ts";
import type { Drawing, Shape } from "../shape.ts";
import { cut, textWidth, visible } from "../text.ts";
import { lanesOf, type Route } from "./route-lanes.ts";
import { type Span, spansOf } from "./token-spans.ts";

/** Pixels of a block's row, and at most where there is height to fill. */
const ROW = 26;
const ROW_AT_MOST = 96;
/** Pixels of the widest path. */
export const WIDEST = 7;
const TOKEN = 90;
/** Pixels of a token's column at least, and of tokens that no path touches. */
const COLUMN = 22;
const BAND = 26;

/** Paths over tokens (columns) and blocks (rows, the embedding at the bottom, logits on top). */
export function routesLayout(
  view: RoutesView,
  table: Table,
  { width, height: room }: { readonly width: number; readonly height: number },
): Omit<Drawing, "title"> {
  const [nodes, at, size] = [view.nodes, view.at, view.width].map((name) => columnOf(table, name));
  if (nodes === undefined || at === undefined || size === undefined)
    return { width, height: 0, alt: "", shapes: [] };
  const levels = ["embed", ...view.axes.y.map(({ key }) => key), "logits"];
  const tokens = view.axes.x.map(({ key, token }) => (token === undefined ? key : visible(token)));
  const routes = routesOf(view, table, levels);
  const left = levels.reduce((most, name) => Math.max(most, textWidth(name)), 0) + 10;
  // Where not all tokens have room, those that no path touches stand together.
  const spans = spansOf(tokens.length, new Set(routes.flatMap(({ spots }) => spots)), {
    ...{ room: width - left - 4, column: COLUMN, band: BAND },
  });
  const total = Math.ceil(left + spans.reduce((sum, { width: own }) => sum + own, 0) + 4);
  const below = tokens.reduce(
    (most, text) => Math.max(most, textWidth(cut(text, TOKEN, { mono: true }), { mono: true })),
    0,
  );
  const fitting = Math.floor((room - below - 10) / levels.length);
  const tall = Math.max(ROW, Math.min(fitting, ROW_AT_MOST));
  const bottom = tall * levels.length;
  const y = (level: number): number => bottom - (level + 0.5) * tall;
  const centre = new Map(spans.map(({ from, x, width: own }) => [from, left + x + own / 2]));
  const cell = spans.find(({ from, to }) => from === to)?.width ?? COLUMN;
  const { shapes: names, tall: named } = namesOf(spans, tokens, {
    left,
    cell,
    ...{ bottom, low: y(0), top: y(levels.length - 1) },
  });
  const shapes: Shape[] = levels.flatMap((name, i): Shape[] => [
    { kind: "line", role: "grid", x1: left, x2: total - 4, y1: y(i), y2: y(i) },
    {
      ...{ kind: "text", role: "faint", x: left - 8, y: y(i) + 4, anchor: "end" },
      ...{ text: name, node: name },
    },
  ]);
  shapes.push(...names);
  const largest = routes.reduce((most, { effect }) => Math.max(most, Math.abs(effect)), 0) || 1;
  const widthOf = ({ effect }: Route): number =>
    Math.max(1, WIDEST * Math.sqrt(Math.abs(effect) / largest));
  const lanes = lanesOf(routes, { widthOf, room: cell * 0.8 });
  const drawn = routes.map((route) => {
    const { spots, steps, effect, row } = route;
    const points = steps.map((level, n) => {
      const pos = spots[n] ?? 0;
      return [(centre.get(pos) ?? 0) + (lanes.get(pos)?.get(route) ?? 0), y(level)] as const;
    });
    const d = points.map(([px, py], n) => {
      const [bx, by] = points[n - 1] ?? [px, py];
      if (n === 0) return `M${r(px)},${r(py)}`;
      const mid = r((by + py) / 2);
      return `C${r(bx)},${mid} ${r(px)},${mid} ${r(px)},${r(py)}`;
    });
    const [[sx, sy] = [0, 0]] = points;
    const role = effect < 0 ? "against" : "towards";
    const says = `${route.says}: ${cellText(effect, size.column)}`;
    const refers = { ...refersOf(table, row, view.select), says };
    return {
      says,
      line: {
        ...{ kind: "path", role, d: d.join(""), width: widthOf(route), level: 0.8 },
        ...refers,
      } satisfies Shape,
      // Where it starts: a bias is no path's way up from the embedding.
      start: { kind: "circle", role, x: r(sx), y: r(sy), r: 3, ...refers } satisfies Shape,
    };
  });
  // The largest on top.
  for (const { line, start } of drawn.toReversed()) shapes.push(line, start);
  const said = drawn.slice(0, 4).map(({ says }) => says);
  return {
    width: total,
    height: bottom + named + 10,
    alt: `${drawn.length} paths over ${tokens.length} tokens and ${view.axes.y.length} blocks. ${said.join("; ")}.`,
    shapes,
  };
}

/** The rows that can be drawn, the largest first. */
export function routesOf(view: RoutesView, table: Table, levels: readonly string[]): Route[] {
  const [nodes, at, size] = [view.nodes, view.at, view.width].map((name) => columnOf(table, name));
  const source = view.source === undefined ? undefined : columnOf(table, view.source);
  if (nodes === undefined || at === undefined || size === undefined) return [];
  const effectOf = (row: Route["row"]): number => numberAt(row, size.at) ?? 0;
  const index = new Map(view.axes.x.map(({ key }, i) => [key, i]));
  const words = (cell: unknown): string[] =>
    String(cell ?? "")
      .split(" ")
      .filter((word) => word !== "");
  // A row without positions is what all other routes of a path are together.
  return table.rows
    .filter((row) => row[at.at] !== null && numberAt(row, size.at) !== null)
    .toSorted((a, b) => Math.abs(effectOf(b)) - Math.abs(effectOf(a)))
    .slice(0, view.most)
    .flatMap((row): Route[] => {
      const [positions, passed] = [words(row[at.at]), words(row[nodes.at])];
      const [, bias] = /^bias:(.*?)(?:\.b_O)?$/.exec(String(source && row[source.at])) ?? [];
      const steps = [
        bias === undefined ? 0 : levels.findIndex((level) => isIn(bias, level)),
        ...passed.map((node) => levels.findIndex((level) => isIn(node, level))),
        levels.length - 1,
      ];
      const spots = positions.map((pos) => index.get(pos) ?? -1);
      const last = spots.at(-1);
      if (last === undefined || spots.length !== passed.length + 1) return [];
      if (steps.includes(-1) || spots.includes(-1)) return [];
      const start = bias === undefined ? [] : [`bias of ${bias}`];
      const says = `${[...start, ...passed].join(" → ") || "embed"} at ${positions.join(", ")}`;
      return [{ row, spots: [...spots, last], steps, effect: effectOf(row), says }];
    });
}

/** What stands along the bottom: tokens, and how many stand together. */
function namesOf(
  spans: readonly Span[],
  tokens: readonly string[],
  place: {
    readonly left: number;
    readonly cell: number;
    readonly bottom: number;
    /** Of the lowest row, and of the highest. */
    readonly low: number;
    readonly top: number;
  },
): { readonly shapes: Shape[]; readonly tall: number } {
  const { left, cell, bottom, low, top } = place;
  const texts = spans.map(({ from, to }) =>
    from === to ? cut(tokens[from] ?? "", TOKEN, { mono: true }) : `${to - from + 1} tokens`,
  );
  const sizes = spans.map(({ from, to }, i) =>
    from === to ? textWidth(texts[i] ?? "", { mono: true }) : 0,
  );
  const upwards = sizes.some((size) => size > cell - 4);
  const tall = upwards ? sizes.reduce((a, b) => Math.max(a, b), 0) : 14;
  const shapes = spans.flatMap(({ from, to, x, width }, i): Shape[] => {
    const middle = left + x + width / 2;
    const text = texts[i] ?? "";
    if (from < to) {
      const pos = Array.from({ length: to - from + 1 }, (_, n) => from + n).join(" ");
      return [
        {
          ...{ kind: "rect", role: "empty", pos, x: left + x + 3, width: width - 6 },
          ...{ y: top, height: low - top },
        },
        // In the middle of its band.
        {
          ...{ kind: "text", role: "faint", pos, text, upwards: true, anchor: "middle" },
          ...{ x: middle + 4, y: (top + low) / 2 },
        },
      ];
    }
    const own = { kind: "text", role: "ink", mono: true, pos: String(from), text } as const;
    return [
      { kind: "line", role: "grid", x1: middle, x2: middle, y1: top, y2: low },
      upwards
        ? { ...own, x: middle + 4, y: bottom + tall + 2, upwards }
        : { ...own, x: middle, y: bottom + 14, anchor: "middle" },
    ];
  });
  return { shapes, tall };
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
