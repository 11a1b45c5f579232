import type { CurvesView, Table } from "@resolvent/analysis";
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
import { linear, powersFor, ticksFor } from "../scale.ts";
import type { Drawing, Role, Shape } from "../shape.ts";
import { cut, textWidth } from "../text.ts";

const HEIGHT = 240;
const TOP = 12;
/** Pixels of a line of the legend. */
const LINE = 18;

interface Point {
  readonly row: number;
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** Points over places, apart or joined, with their intervals. */
export function curvesLayout(
  view: CurvesView,
  table: Table,
  width: number,
): Omit<Drawing, "title"> {
  const place = columnOf(table, view.x);
  const series = view.y.flatMap(({ column, low, high }) => {
    const found = columnOf(table, column);
    if (found === undefined) return [];
    const end = (name: string | undefined): Found | undefined =>
      name === undefined ? undefined : columnOf(table, name);
    return [{ found, low: end(low), high: end(high) }];
  });
  const [first] = series;
  if (place === undefined || first === undefined) return { width, height: 0, alt: "", shapes: [] };
  const rows = shownRows(table, view.most);
  const names = rows.map((row) => cellText(row[place.at] ?? null, place.column));
  const drawn =
    view.scale === "log"
      ? (x: number | null) => x !== null && x > 0
      : (x: number | null) => x !== null;
  const points = series.map(({ found, low, high }) =>
    rows.flatMap((row, i): Point[] => {
      const value = numberAt(row, found.at);
      if (value === null || !drawn(value)) return [];
      const end = (one: Found | undefined): number | null => {
        const at = one === undefined ? null : numberAt(row, one.at);
        return drawn(at) ? at : null;
      };
      return [{ row: i, value, low: end(low), high: end(high) }];
    }),
  );
  const numbers = points
    .flat()
    .flatMap(({ value, low, high }) => [value, low ?? value, high ?? value]);
  const powers = view.scale === "log" && numbers.length > 0;
  const away = !powers && awayFromZero(numbers);
  const [least, most] = endsOf(powers || away ? numbers : [0, ...numbers]);
  const ticks = powers ? powersFor(least, most) : ticksFor(least, most);
  const top = away ? TOP + LINE : TOP;
  const sized = (value: number): number => (powers ? Math.log10(value) : value);
  const left =
    ticks.reduce((w, tick) => Math.max(w, textWidth(tickText(tick, first.found.column))), 0) + 14;
  const bottom = HEIGHT - 48;
  const y = linear([sized(ticks[0] ?? 0), sized(ticks.at(-1) ?? 1)], [bottom, top]);
  // Numbers stand where they are, names side by side.
  const placed = rows.map((row) => numberAt(row, place.at));
  const numeric =
    rows.length > 1 && placed.every((one) => one !== null) && new Set(placed).size > 1;
  const range = [left + 12, width - 16] as const;
  const log = view.along === "log" && placed.every((at) => at !== null && at > 0);
  const spots = placed.map((at) => (log ? Math.log10(at ?? 1) : (at ?? 0)));
  const byNumber = linear([Math.min(...spots), Math.max(...spots)], range);
  const x = (i: number): number =>
    numeric
      ? byNumber(spots[i] ?? 0)
      : rows.length < 2
        ? (range[0] + range[1]) / 2
        : linear([0, rows.length - 1], range)(i);
  const shapes: Shape[] = ticks.flatMap((tick): Shape[] => [
    { kind: "line", role: "grid", x1: left, x2: width - 4, y1: y(sized(tick)), y2: y(sized(tick)) },
    {
      kind: "text",
      role: "faint",
      x: left - 6,
      y: y(sized(tick)) + 4,
      anchor: "end",
      text: tickText(tick, first.found.column),
    },
  ]);
  if (away)
    shapes.push({
      ...{ kind: "text", role: "faint", x: 4, y: TOP },
      text: `This axis begins at ${tickText(ticks[0] ?? 0, first.found.column)}, not at 0.`,
    });
  else if (!powers)
    shapes.push({ kind: "line", role: "axis", x1: left, x2: width - 4, y1: y(0), y2: y(0) });
  let free = Number.NEGATIVE_INFINITY;
  names.forEach((name, i) => {
    const half = textWidth(name) / 2;
    const at = Math.min(x(i), width - half);
    if (at - half < free) return;
    free = at + half + 8;
    shapes.push({
      kind: "text",
      role: "faint",
      x: at,
      y: bottom + 18,
      anchor: "middle",
      text: name,
    });
  });
  shapes.push({
    kind: "text",
    role: "faint",
    x: (left + width) / 2,
    y: bottom + 36,
    anchor: "middle",
    text: headOf(place.column),
  });
  // The first on top: marks differ in form, so that those below still show.
  for (const [n, own] of [...points.entries()].reverse()) {
    const role: Role = `series-${(n % 4) as 0 | 1 | 2 | 3}`; // one of four
    // Side by side, so that intervals do not cover each other.
    const aside =
      view.mark === "dots"
        ? (n - (points.length - 1) / 2) *
          Math.min(7, (range[1] - range[0]) / Math.max(1, rows.length) / (points.length + 1))
        : 0;
    if (view.mark === "lines") {
      // No line over a place without a number.
      const d = own.map(({ row, value }, k) => {
        const goesOn = own[k - 1]?.row === row - 1;
        return `${goesOn ? "L" : "M"}${round(x(row))},${round(y(sized(value)))}`;
      });
      shapes.push({ kind: "path", role, d: d.join(""), width: 2 });
    }
    for (const { row, value, low, high } of own) {
      const at = x(row) + aside;
      if (low !== null && high !== null)
        shapes.push({
          kind: "line",
          role,
          x1: at,
          x2: at,
          y1: y(sized(low)),
          y2: y(sized(high)),
          width: 3,
          level: 0.4,
        });
      const { column } = series[n]?.found ?? first.found;
      const says = `${names[row]}, ${headOf(column)}: ${cellText(value, column)}`;
      shapes.push({
        ...mark(n, at, y(sized(value)), role),
        ...refersOf(table, rows[row] ?? [], view.select),
        says,
      });
    }
  }
  const { shapes: legend, height } = legendOf(
    series.map(({ found }) => headOf(found.column)),
    width,
  );
  return {
    width,
    height: HEIGHT + height,
    alt: series
      .map(({ found: { column } }, n) => {
        const own = points[n] ?? [];
        return `${headOf(column)}: ${own
          .map(({ row, value }) => `${names[row]} ${cellText(value, column)}`)
          .slice(0, 12)
          .join(", ")}${own.length > 12 ? ", …" : ""}.`;
      })
      .join(" "),
    shapes: [...shapes, ...legend],
  };
}

/** Whether numbers lie further from zero than from each other: on an axis from zero they would lie on one another. */
function awayFromZero(numbers: readonly number[]): boolean {
  const [least, most] = endsOf(numbers);
  return most > least && Math.max(least, -most) > most - least;
}

function endsOf(numbers: readonly number[]): readonly [least: number, most: number] {
  return numbers.reduce<readonly [number, number]>(
    ([least, most], one) => [Math.min(least, one), Math.max(most, one)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

/** The marks of series differ in form as well as in colour. */
function mark(n: number, x: number, y: number, role: Role): Shape {
  const r = 4;
  switch (n % 4) {
    case 0:
      return { kind: "circle", role, x, y, r };
    case 1:
      return { kind: "rect", role, x: x - r, y: y - r, width: 2 * r, height: 2 * r };
    case 2:
      return {
        kind: "path",
        role,
        d: `M${round(x)},${round(y - r - 1)}L${round(x + r + 1)},${round(y + r)}L${round(x - r - 1)},${round(y + r)}Z`,
      };
    default:
      return {
        kind: "path",
        role,
        d: `M${round(x)},${round(y - r - 1)}L${round(x + r + 1)},${round(y)}L${round(x)},${round(y + r + 1)}L${round(x - r - 1)},${round(y)}Z`,
      };
  }
}

function legendOf(heads: readonly string[], width: number): { shapes: Shape[]; height: number } {
  let [x, y] = [8, HEIGHT + 4];
  const shapes: Shape[] = [];
  heads.forEach((head, n) => {
    const text = cut(head, width - 32);
    const room = textWidth(text) + 36;
    if (x > 8 && x + room > width) [x, y] = [8, y + LINE];
    const role: Role = `series-${(n % 4) as 0 | 1 | 2 | 3}`; // one of four
    shapes.push(mark(n, x + 6, y - 4, role), { kind: "text", role: "ink", x: x + 16, y, text });
    x += room;
  });
  return { shapes, height: y - HEIGHT + 10 };
}

function round(value: number): number {
  return Number(value.toFixed(2));
}
