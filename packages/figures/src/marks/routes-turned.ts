import type { RoutesView, Table } from "@resolvent/analysis";
import { cellText, columnOf, refersOf } from "../reading.ts";
import type { Drawing, Shape } from "../shape.ts";
import { cut, textWidth, visible } from "../text.ts";
import { lanesOf, type Route } from "./route-lanes.ts";
import { routesOf, WIDEST } from "./routes.ts";
import { spansOf } from "./token-spans.ts";

/** Pixels of a token's row. */
const ROW = 24;
/** Of a block's column at least. */
const COLUMN = 15;
const TOKEN = 96;
/** Tokens that have a row each: of more, those that no path touches stand together. */
const EACH = 24;

/** Paths over tokens (rows) and blocks (columns, the embedding on the left), for a screen that is tall and narrow. */
export function turnedRoutesLayout(
  view: RoutesView,
  table: Table,
  width: number,
): Omit<Drawing, "title"> {
  const size = columnOf(table, view.width);
  if (size === undefined) return { width, height: 0, alt: "", shapes: [] };
  const levels = ["embed", ...view.axes.y.map(({ key }) => key), "logits"];
  const routes = routesOf(view, table, levels);
  const tokens = view.axes.x.map(({ key, token }) =>
    cut(token === undefined ? key : visible(token), TOKEN, { mono: true }),
  );
  const named = tokens.length <= EACH ? 0 : textWidth(`${tokens.length} tokens`);
  const left =
    tokens.reduce((most, text) => Math.max(most, textWidth(text, { mono: true })), named) + 12;
  const column = Math.max(COLUMN, (width - left - 4) / levels.length);
  const total = Math.ceil(left + column * levels.length + 4);
  const top = levels.reduce((most, name) => Math.max(most, textWidth(name)), 0) + 12;
  const touched = new Set(routes.flatMap(({ spots }) => spots));
  const room = tokens.length <= EACH ? ROW * tokens.length : 0;
  const spans = spansOf(tokens.length, touched, { room, column: ROW, band: ROW });
  const rows = new Map(spans.map(({ from }, i) => [from, i]));
  const bottom = top + ROW * spans.length;
  const x = (level: number): number => left + (level + 0.5) * column;
  const y = (pos: number): number => top + ((rows.get(pos) ?? 0) + 0.5) * ROW;
  const shapes: Shape[] = [
    ...levels.flatMap((name, i): Shape[] => [
      { kind: "line", role: "grid", x1: x(i), x2: x(i), y1: top, y2: bottom },
      {
        ...{ kind: "text", role: "faint", x: x(i) + 4, y: top - 6, text: name, node: name },
        upwards: true,
      },
    ]),
    ...spans.flatMap(({ from, to }): Shape[] => {
      const pos = Array.from({ length: to - from + 1 }, (_, n) => from + n).join(" ");
      const own = { anchor: "end", pos, x: left - 8, y: y(from) + 4 } as const;
      if (from < to) {
        const text = `${to - from + 1} tokens`;
        return [
          {
            ...{ kind: "rect", role: "empty", pos, x: left, width: total - 4 - left },
            ...{ y: y(from) - ROW / 2 + 3, height: ROW - 6 },
          },
          { kind: "text", role: "faint", text, ...own },
        ];
      }
      const text = tokens[from] ?? "";
      return [
        { kind: "line", role: "grid", x1: left, x2: total - 4, y1: y(from), y2: y(from) },
        { kind: "text", role: "ink", mono: true, text, ...own },
      ];
    }),
  ];
  const largest = routes.reduce((most, { effect }) => Math.max(most, Math.abs(effect)), 0) || 1;
  const widthOf = ({ effect }: Route): number =>
    Math.max(1, WIDEST * Math.sqrt(Math.abs(effect) / largest));
  const lanes = lanesOf(routes, { widthOf, room: ROW * 0.8 });
  const drawn = routes.map((route) => {
    const { spots, steps, effect, row } = route;
    const points = steps.map((level, n) => {
      const pos = spots[n] ?? 0;
      return [x(level), y(pos) + (lanes.get(pos)?.get(route) ?? 0)] as const;
    });
    const d = points.map(([px, py], n) => {
      const [bx, by] = points[n - 1] ?? [px, py];
      if (n === 0) return `M${r(px)},${r(py)}`;
      const mid = r((bx + px) / 2);
      return `C${mid},${r(by)} ${mid},${r(py)} ${r(px)},${r(py)}`;
    });
    const [[sx, sy] = [0, 0]] = points;
    const role = effect < 0 ? "against" : "towards";
    const says = `${route.says}: ${cellText(effect, size.column)}`;
    const refers = { ...refersOf(table, row, view.select), says };
    return [
      {
        ...{ kind: "path", role, d: d.join(""), width: widthOf(route), level: 0.8 },
        ...refers,
      } satisfies Shape,
      { kind: "circle", role, x: r(sx), y: r(sy), r: 3, ...refers } satisfies Shape,
    ];
  });
  // The largest on top.
  shapes.push(...drawn.toReversed().flat());
  const said = routes
    .slice(0, 4)
    .map(({ says, effect }) => `${says}: ${cellText(effect, size.column)}`);
  return {
    width: total,
    height: bottom + 4,
    alt: `${routes.length} paths over ${tokens.length} tokens and ${view.axes.y.length} blocks. ${said.join("; ")}.`,
    shapes,
  };
}

function r(value: number): number {
  return Number(value.toFixed(1));
}
