import type { BarsView, Cell, Table } from "@resolvent/analysis";
import {
  cellText,
  columnOf,
  type Found,
  headOf,
  numberAt,
  refersOf,
  shownRows,
  tickText,
} from "../reading.ts";
import { linear, powersFor, type Scale, symlog, ticksFor } from "../scale.ts";
import type { Drawing, Role, Shape } from "../shape.ts";
import { cut, textWidth, wrap } from "../text.ts";

const ROW = 24;
/** Lines of a name at most. */
const LINES = 3;
/** Of names in two lines, and how far these are apart. */
const TALL = 34;
const NEXT = 13;
const BAR = 14;
const TWIN = 4;
const TOP = 8;
/** Below the bars: the numbers of the axis, and what they are. */
const AXIS = 40;

/** A bar for each row. */
export function barsLayout(view: BarsView, table: Table, width: number): Omit<Drawing, "title"> {
  const x = columnOf(table, view.x);
  const y = columnOf(table, view.y);
  if (x === undefined || y === undefined) return { width, height: 0, alt: "", shapes: [] };
  const twin = view.twin === undefined ? undefined : columnOf(table, view.twin);
  const line = view.line === undefined ? undefined : columnOf(table, view.line);
  const ends = [view.low, view.high].map((name) =>
    name === undefined ? undefined : columnOf(table, name),
  );
  const rest = view.rest === true && table.rest !== undefined ? [table.rest] : [];
  const rows = [...shownRows(table, view.most), ...rest];
  const mono = y.column.kind === "token";
  const names = rows.map((row) => cellText(row[y.at] ?? null, y.column));
  const values = rows.map((row) => cellText(row[x.at] ?? null, x.column));
  const widest = (texts: readonly string[], options = {}): number =>
    texts.reduce((most, text) => Math.max(most, textWidth(text, options)), 0);
  const left = Math.min(widest(names, { mono }) + 12, width * 0.42);
  const right = widest(values) + 14;
  const { scale, ticks } = scaleOf(view, rows, [x, twin, line, ...ends], [left, width - right]);
  const lines = names.map((name) => wrap(name, left - 10, { mono, lines: LINES }));
  const most = lines.reduce((so, { length }) => Math.max(so, length), 1);
  const tall = most > 1 ? TALL + NEXT * (most - 2) : ROW;
  const bottom = TOP + rows.length * tall;
  const shapes: Shape[] = ticks.flatMap((tick): Shape[] => [
    {
      kind: "line",
      role: tick === 0 ? "axis" : "grid",
      x1: scale(tick),
      x2: scale(tick),
      y1: TOP,
      y2: bottom,
    },
    {
      kind: "text",
      role: "faint",
      x: Math.max(scale(tick), textWidth(tickText(tick, x.column)) / 2),
      y: bottom + 16,
      text: tickText(tick, x.column),
      anchor: "middle",
    },
  ]);
  const signed = rows.some((row) => (numberAt(row, x.at) ?? 0) < 0) || x.column.kind === "effect";
  const points: string[] = [];
  rows.forEach((row, i) => {
    const middle = TOP + (i + 0.5) * tall;
    const refers = { ...refersOf(table, row, view.select), says: `${names[i]}: ${values[i]}` };
    const bar = (found: Found | undefined, size: number, from: number, role: Role): void => {
      const value = found === undefined ? null : numberAt(row, found.at);
      if (value === null) return;
      const [a, b] = [scale(0), scale(value)];
      // What is not nothing is to be seen.
      const length = value === 0 ? 0 : Math.max(Math.abs(b - a), 1);
      shapes.push({
        ...{ kind: "rect", role, y: from, height: size, ...refers },
        ...{ x: value < 0 ? a - length : a, width: length },
      });
    };
    const value = numberAt(row, x.at) ?? 0;
    bar(x, BAR, middle - BAR / 2, signed ? (value < 0 ? "against" : "towards") : "size");
    bar(twin, TWIN, middle + BAR / 2 + 1, "twin");
    const sum = line === undefined ? null : numberAt(row, line.at);
    if (sum !== null) points.push(`${px(scale(sum))},${px(middle)}`);
    const [low, high] = ends.map((end) => (end === undefined ? null : numberAt(row, end.at)));
    if (low != null && high != null) {
      const own = { kind: "line", role: "ink", ...refers } as const;
      const [x1, x2] = [scale(low), scale(high)];
      shapes.push({ ...own, x1, x2, y1: middle, y2: middle, width: 1.5 });
      for (const at of [x1, x2])
        shapes.push({ ...own, x1: at, x2: at, y1: middle - 3, y2: middle + 3, width: 1.5 });
    }
    const own = lines[i] ?? [];
    own.forEach((text, n) => {
      const y = middle + 4 + (n - (own.length - 1) / 2) * NEXT;
      shapes.push({ kind: "text", role: "ink", x: left - 8, y, anchor: "end", mono, text });
    });
    shapes.push({
      ...{ kind: "text", role: "ink", x: width - 4, y: middle + 4, anchor: "end" },
      text: values[i] ?? "",
    });
  });
  if (points.length > 1)
    shapes.push({ kind: "path", role: "line", d: `M${points.join("L")}`, width: 2 });
  for (const point of points) {
    const [px0 = 0, py0 = 0] = point.split(",").map(Number);
    shapes.push({ kind: "circle", role: "line", x: px0, y: py0, r: 3 });
  }
  const keys = [
    `bars: ${headOf(x.column)}`,
    ...(twin === undefined ? [] : [`thin: ${headOf(twin.column)}`]),
    ...(line === undefined ? [] : [`line: ${headOf(line.column)}`]),
    ...(ends.includes(undefined) ? [] : ["thin line: its interval"]),
  ];
  shapes.push({
    ...{ kind: "text", role: "faint", x: width - 4, y: bottom + 34, anchor: "end" },
    text: cut(keys.length === 1 ? headOf(x.column) : keys.join("; "), width - 8),
  });
  return { width, height: bottom + AXIS, alt: altOf(names, values, headOf(x.column)), shapes };
}

/** Bars that a description names at most. */
const SAID = 8;

function altOf(names: readonly string[], values: readonly string[], head: string): string {
  const said = names.slice(0, SAID).map((name, i) => `${name}: ${values[i]}`);
  const more = names.length > SAID ? `; and ${names.length - SAID} more` : "";
  return `${names.length} bars of ${head}. ${said.join("; ")}${more}.`;
}

function scaleOf(
  view: BarsView,
  rows: readonly (readonly Cell[])[],
  columns: readonly (Found | undefined)[],
  range: readonly [number, number],
): { readonly scale: Scale; readonly ticks: readonly number[] } {
  const numbers = columns.flatMap((found) =>
    found === undefined ? [] : rows.flatMap((row) => numberAt(row, found.at) ?? []),
  );
  const low = Math.min(0, ...numbers);
  const high = Math.max(0, ...numbers);
  if (view.scale === "symlog") {
    const sizes = numbers.map(Math.abs).filter((size) => size > 0);
    const largest = sizes.reduce((a, b) => Math.max(a, b), 0) || 1;
    const unit = Math.max(
      sizes.reduce((a, b) => Math.min(a, b), largest),
      largest * 1e-12,
    );
    const powers = powersFor(unit, largest).filter((tick) => tick >= unit && tick <= largest);
    const ticks = [...powers.map((tick) => -tick), 0, ...powers].filter(
      (tick) => tick >= low && tick <= high,
    );
    return { scale: symlog(unit, [low, high || unit], range), ticks };
  }
  const ticks = ticksFor(low, high, Math.max(2, Math.round((range[1] - range[0]) / 90)));
  return { scale: linear([ticks[0] ?? 0, ticks.at(-1) ?? 1], range), ticks };
}

/** Pixels in few digits. */
function px(value: number): string {
  return String(Number(value.toFixed(2)));
}
