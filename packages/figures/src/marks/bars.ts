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
import { toleranceOf, unsureIn } from "../unsure.ts";

const ROW = 24;
/** Of a row at most, where there is height to fill. */
const ROW_AT_MOST = 88;
/** Lines of a name at most. */
const LINES = 3;
/** Of names in two lines, and how far these are apart. */
const TALL = 34;
const NEXT = 13;
const BAR = 14;
/** Of a bar at most, where there is height to fill. */
const BAR_AT_MOST = 26;
const TWIN = 4;
const TOP = 8;
/** Above the bars where columns stand beside them: what these are. */
const HEADS = 18;
/** Between columns of numbers. */
const GAP = 12;
/** Below the bars: the numbers of the axis, and what they are. */
const AXIS = 40;
const LEGEND = 18;

/** A bar for each row. */
export function barsLayout(
  view: BarsView,
  table: Table,
  { width, height: room }: { readonly width: number; readonly height: number },
): Omit<Drawing, "title"> {
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
  const before = besides(view.before, table, rows);
  const after = besides(view.after, table, rows);
  const top = TOP + (before.length + after.length === 0 ? 0 : HEADS);
  const head = before.length + after.length === 0 ? 0 : textWidth(headOf(y.column));
  const named = Math.min(Math.max(widest(names, { mono }), head) + 12, width * 0.42);
  const left = named + roomOf(before);
  const valued = width - roomOf(after);
  const valueHead = after.length === 0 ? 0 : textWidth(headOf(x.column));
  const right = Math.max(widest(values), valueHead) + 14 + roomOf(after);
  const { scale, ticks } = scaleOf(view, rows, [x, twin, line, ...ends], [left, width - right]);
  const lines = names.map((name) => wrap(name, named - 10, { mono, lines: LINES }));
  const most = lines.reduce((so, { length }) => Math.max(so, length), 1);
  const least = most > 1 ? TALL + NEXT * (most - 2) : ROW;
  const fitting = Math.floor((room - top - AXIS) / Math.max(rows.length, 1));
  const tall = Math.max(least, Math.min(fitting, ROW_AT_MOST));
  const thick = tall === least ? BAR : Math.max(BAR, Math.min(tall - 14, BAR_AT_MOST));
  const bottom = top + rows.length * tall;
  const shapes: Shape[] = ticks.flatMap((tick): Shape[] => [
    {
      kind: "line",
      role: tick === 0 ? "axis" : "grid",
      x1: scale(tick),
      x2: scale(tick),
      y1: top,
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
  const tolerance = toleranceOf(table, x);
  const signed = rows.some((row) => (numberAt(row, x.at) ?? 0) < 0) || x.column.kind === "effect";
  if (top > TOP) {
    const over = { kind: "text", role: "faint", y: TOP + 6, anchor: "end" } as const;
    shapes.push({ ...over, x: named - 8, text: cut(headOf(y.column), named - 8) });
    shapes.push({ ...over, x: valued - 4, text: headOf(x.column) });
  }
  for (const [columns, end] of [
    [before, left - 8],
    [after, width - 4],
  ] as const)
    shapes.push(...columnsOf(columns, end, { top, tall }));
  const points: string[] = [];
  rows.forEach((row, i) => {
    const middle = top + (i + 0.5) * tall;
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
    bar(x, thick, middle - thick / 2, signed ? (value < 0 ? "against" : "towards") : "size");
    bar(twin, TWIN, middle + thick / 2 + 1, "twin");
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
      shapes.push({ kind: "text", role: "ink", x: named - 8, y, anchor: "end", mono, text });
    });
    shapes.push({
      ...{ kind: "text", role: "ink", x: valued - 4, y: middle + 4, anchor: "end" },
      ...numberText(values[i] ?? "", tolerance),
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
  // A head says what the numbers are.
  const headed = top > TOP && keys.length === 1;
  if (!headed)
    shapes.push({
      ...{ kind: "text", role: "faint", x: width - 4, y: bottom + 34, anchor: "end" },
      text: cut(keys.length === 1 ? headOf(x.column) : keys.join("; "), width - 8),
    });
  const height = bottom + (headed ? AXIS - LEGEND : AXIS);
  return { width, height, alt: altOf(names, values, headOf(x.column)), shapes };
}

/** A column that stands beside the bars. */
interface Beside {
  readonly head: string;
  readonly cells: readonly string[];
  /** Digits of its numbers that count less are unsure. */
  readonly tolerance: number;
  readonly width: number;
}

function besides(
  names: readonly string[] | undefined,
  table: Table,
  rows: readonly (readonly Cell[])[],
): readonly Beside[] {
  return (names ?? []).flatMap((name) => {
    const found = columnOf(table, name);
    if (found === undefined) return [];
    const head = headOf(found.column);
    const cells = rows.map((row) => cellText(row[found.at] ?? null, found.column));
    const width = [head, ...cells].reduce((most, text) => Math.max(most, textWidth(text)), 0);
    return [{ head, cells, tolerance: toleranceOf(table, found), width }];
  });
}

/** A number as a shape has it. */
function numberText(
  text: string,
  tolerance: number,
): Pick<Extract<Shape, { readonly kind: "text" }>, "text" | "unsure"> {
  const unsure = unsureIn(text, tolerance);
  return { text, ...(unsure !== undefined && { unsure }) };
}

/** The room that columns take. */
function roomOf(columns: readonly Beside[]): number {
  return columns.reduce((sum, { width }) => sum + width + GAP, 0);
}

/** Columns that end at `end`, with their heads. */
function columnsOf(
  columns: readonly Beside[],
  end: number,
  { top, tall }: { readonly top: number; readonly tall: number },
): Shape[] {
  let x = end;
  return columns.toReversed().flatMap(({ head, cells, tolerance, width }): Shape[] => {
    const own = { kind: "text", role: "faint", x, anchor: "end" } as const;
    x -= width + GAP;
    return [
      { ...own, y: TOP + 6, text: head },
      ...cells.map(
        (text, i): Shape => ({
          ...{ ...own, y: top + (i + 0.5) * tall + 4 },
          ...numberText(text, tolerance),
        }),
      ),
    ];
  });
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
