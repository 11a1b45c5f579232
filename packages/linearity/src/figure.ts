import { short } from "@resolvent/analysis";
import { escapeHtml } from "./html.ts";
import type { Interval } from "./result.ts";

/** A curve of a figure: a value for each place along the axis, with its interval where there is one. */
export interface Curve {
  readonly name: string;
  readonly values: readonly (number | null)[];
  readonly intervals?: readonly Interval[];
}

export interface Figure {
  /** What it shows, for those who hear it. */
  readonly label: string;
  /** The places along the axis. */
  readonly places: readonly string[];
  readonly axis: string;
  readonly curves: readonly Curve[];
  /** The scale reaches this at least. */
  readonly to?: number;
  /** On a scale of powers of ten; what is not above 0 is left out. */
  readonly powers?: boolean;
}

const [WIDTH, HEIGHT] = [640, 260];
const MARGIN = { left: 52, right: 150, top: 12, bottom: 42 };
/** Least distance of two names at the right, in pixels. */
const LINE = 14;

/** Curves with their intervals as bands, as inline SVG that takes its colours from the page: classes c0, c1, … */
export function drawFigure(figure: Figure): string {
  const { label, places, axis, to = 0, powers = false } = figure;
  const curves = powers ? figure.curves.map(inPowers) : figure.curves;
  const numbers = curves.flatMap(({ values, intervals = [] }) => [
    ...values.filter((value) => value !== null),
    ...intervals.flatMap((interval) => interval ?? []),
  ]);
  const ticks = powers
    ? powerTicks(Math.min(...numbers), Math.max(...numbers))
    : ticksFor(Math.min(0, ...numbers), Math.max(to, ...numbers));
  const [low, high] = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
  const inner = WIDTH - MARGIN.left - MARGIN.right;
  const x = (i: number): number =>
    MARGIN.left + (places.length < 2 ? inner / 2 : (i * inner) / (places.length - 1));
  const y = (value: number): number =>
    HEIGHT - MARGIN.bottom - ((value - low) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const grid = ticks.map(
    (tick) =>
      `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${px(y(tick))}" y2="${px(y(tick))}"/><text class="tick" x="${MARGIN.left - 8}" y="${px(y(tick) + 4)}" text-anchor="end">${tickText(powers ? 10 ** tick : tick)}</text>`,
  );
  // As many names of places as there is room for.
  const longest = places.reduce((most, place) => Math.max(most, place.length), 1);
  const step = Math.max(1, Math.ceil((places.length * (longest * 6.5 + 8)) / inner));
  const names = places.map((place, i) =>
    i % step === 0
      ? `<text class="tick" x="${px(x(i))}" y="${HEIGHT - MARGIN.bottom + 16}" text-anchor="middle">${escapeHtml(place)}</text>`
      : "",
  );
  const drawn = curves.map((curve, n) => drawCurve(curve, n, figure, x, y));
  const keys = spread(
    curves.map(({ values }) => y(values.findLast((value) => value !== null) ?? low)),
  ).map(
    (at, n) =>
      `<text class="key c${n}" x="${WIDTH - MARGIN.right + 10}" y="${px(at + 4)}">${MARKS[n % MARKS.length]} ${escapeHtml(curves[n]?.name ?? "")}</text>`,
  );
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(label)}">`,
    ...grid,
    ...names,
    `<text class="axis" x="${px(MARGIN.left + inner / 2)}" y="${HEIGHT - 6}" text-anchor="middle">${escapeHtml(axis)}</text>`,
    ...drawn,
    ...keys,
    "</svg>",
  ].join("");
}

/** Marks tell curves apart where colours do not. */
const MARKS = ["●", "■", "▲", "◆"] as const;

function drawCurve(
  { name, values, intervals = [] }: Curve,
  n: number,
  { places, powers = false }: Figure,
  x: (i: number) => number,
  y: (value: number) => number,
): string {
  const bars = intervals.map((interval, i) =>
    interval === null
      ? ""
      : `<line class="bar c${n}" x1="${px(x(i))}" x2="${px(x(i))}" y1="${px(y(interval[0]))}" y2="${px(y(interval[1]))}"/>`,
  );
  let path = "";
  let open = false;
  values.forEach((value, i) => {
    if (value !== null) path += `${open ? "L" : "M"}${px(x(i))} ${px(y(value))}`;
    open = value !== null;
  });
  const points = values.map((value, i) => {
    if (value === null) return "";
    const interval = intervals[i];
    const said = (x: number): string => short(powers ? 10 ** x : x);
    const band = interval ? `, 95 %: ${said(interval[0])} to ${said(interval[1])}` : "";
    const title = `${name}, ${places[i] ?? ""}: ${said(value)}${band}`;
    return `<text class="point c${n}" x="${px(x(i))}" y="${px(y(value) + 3.5)}" text-anchor="middle">${MARKS[n % MARKS.length]}<title>${escapeHtml(title)}</title></text>`;
  });
  return `${bars.join("")}<path class="curve c${n}" d="${path}"/>${points.join("")}`;
}

/** A curve of logarithms. */
function inPowers({ name, values, intervals = [] }: Curve): Curve {
  const log = (x: number): number | null => (x > 0 ? Math.log10(x) : null);
  return {
    name,
    values: values.map((value) => (value === null ? null : log(value))),
    intervals: intervals.map((interval) => {
      const [low, high] = interval ?? [0, 0];
      const ends = [log(low), log(high)] as const;
      return ends[0] === null || ends[1] === null ? null : [ends[0], ends[1]];
    }),
  };
}

/** Exponents from below the least to above the largest, at most six of them. */
function powerTicks(least: number, most: number): number[] {
  if (!Number.isFinite(least)) return [-1, 0]; // nothing to show
  const from = Math.floor(least);
  const step = Math.max(1, Math.ceil((Math.ceil(most) - from) / 5));
  const count = Math.max(1, Math.ceil((most - from) / step));
  return Array.from({ length: count + 1 }, (_, i) => from + i * step);
}

/** Round numbers from below the least to above the largest value, about five of them. */
export function ticksFor(least: number, most: number): number[] {
  const span = most - least || 1;
  const raw = span / 5;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * size >= raw) ?? 10) * size;
  const from = Math.floor(least / step + 1e-9);
  const to = Math.max(from + 1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: to - from + 1 }, (_, i) =>
    Number(((from + i) * step).toPrecision(12)),
  );
}

function tickText(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5)
    ? value.toExponential(0)
    : String(Number(value.toPrecision(12)));
}

/** Heights moved apart so that names do not cover each other. */
function spread(heights: readonly number[]): number[] {
  const order = heights.map((_, i) => i).sort((a, b) => (heights[a] ?? 0) - (heights[b] ?? 0));
  const placed = [...heights];
  order.forEach((at, n) => {
    const above = order[n - 1];
    if (above !== undefined) placed[at] = Math.max(placed[at] ?? 0, (placed[above] ?? 0) + LINE);
  });
  // What went below the picture comes back up.
  const over = Math.max(0, Math.max(0, ...placed) - (HEIGHT - MARGIN.bottom - 6)); // above the names of places
  return placed.map((at) => at - over);
}

const px = (value: number): string => String(Number(value.toFixed(2)));
