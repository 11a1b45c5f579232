import type { ScatterView, Table } from "@resolvent/analysis";
import { cellText, columnOf, headOf, numberAt, refersOf, shownRows, tickText } from "../reading.ts";
import { linear, ticksFor } from "../scale.ts";
import type { Drawing, Shape } from "../shape.ts";
import { textWidth } from "../text.ts";

const HEIGHT = 320;
const TOP = 26;

/** A point for each row, named where there is room. */
export function scatterLayout(
  view: ScatterView,
  table: Table,
  width: number,
): Omit<Drawing, "title"> {
  const [x, y] = [columnOf(table, view.x), columnOf(table, view.y)];
  if (x === undefined || y === undefined) return { width, height: 0, alt: "", shapes: [] };
  const label = view.label === undefined ? undefined : columnOf(table, view.label);
  const points = shownRows(table, view.most).flatMap((row) => {
    const [a, b] = [numberAt(row, x.at), numberAt(row, y.at)];
    const name = label === undefined ? "" : cellText(row[label.at] ?? null, label.column);
    return a === null || b === null ? [] : [{ row, a, b, name }];
  });
  const domain = (numbers: readonly number[], reach = 0): number[] =>
    ticksFor(Math.min(0, ...numbers), Math.max(reach, ...numbers));
  const xs = domain(
    points.map(({ a }) => a),
    view.reach?.x,
  );
  const ys = domain(
    points.map(({ b }) => b),
    view.reach?.y,
  );
  const left =
    ys.reduce((most, tick) => Math.max(most, textWidth(tickText(tick, y.column))), 0) + 14;
  const bottom = HEIGHT - 44;
  const across = linear([xs[0] ?? 0, xs.at(-1) ?? 1], [left + 6, width - 24]);
  const up = linear([ys[0] ?? 0, ys.at(-1) ?? 1], [bottom, TOP]);
  const shapes: Shape[] = [
    ...xs.flatMap((tick): Shape[] => [
      {
        kind: "line",
        role: tick === 0 ? "axis" : "grid",
        x1: across(tick),
        x2: across(tick),
        y1: TOP,
        y2: bottom,
      },
      {
        kind: "text",
        role: "faint",
        x: across(tick),
        y: bottom + 18,
        anchor: "middle",
        text: tickText(tick, x.column),
      },
    ]),
    ...ys.flatMap((tick): Shape[] => [
      {
        kind: "line",
        role: tick === 0 ? "axis" : "grid",
        x1: left,
        x2: width - 8,
        y1: up(tick),
        y2: up(tick),
      },
      {
        kind: "text",
        role: "faint",
        x: left - 6,
        y: up(tick) + 4,
        anchor: "end",
        text: tickText(tick, y.column),
      },
    ]),
    {
      kind: "text",
      role: "ink",
      x: width - 8,
      y: bottom + 36,
      anchor: "end",
      text: `${headOf(x.column)} →`,
    },
    { kind: "text", role: "ink", x: 4, y: 12, text: `↑ ${headOf(y.column)}` },
  ];
  const taken: { x: number; y: number; width: number }[] = [];
  const free = (px: number, py: number, room: number): boolean =>
    px > left &&
    px + room < width &&
    taken.every((one) => Math.abs(one.y - py) > 11 || px > one.x + one.width || one.x > px + room);
  // Those far out get their names first.
  const far = points.toSorted(
    (p, q) =>
      Math.hypot(spread(q.a, xs), spread(q.b, ys)) - Math.hypot(spread(p.a, xs), spread(p.b, ys)),
  );
  for (const { a, b } of points) taken.push({ x: across(a) - 4, y: up(b), width: 8 });
  for (const { row, a, b, name } of far) {
    const says = `${name}${name === "" ? "" : ": "}${headOf(x.column)} ${cellText(a, x.column)}, ${headOf(y.column)} ${cellText(b, y.column)}`;
    shapes.push({
      kind: "circle",
      role: "size",
      x: across(a),
      y: up(b),
      r: 4,
      ...refersOf(table, row, view.select),
      says,
    });
    // To the right of its point, or else to the left.
    const [py, room] = [up(b) + 4, textWidth(name)];
    const px = [across(a) + 7, across(a) - 7 - room].find((at) => free(at, py - 4, room));
    if (name === "" || px === undefined) continue;
    taken.push({ x: px, y: py - 4, width: room });
    shapes.push({ kind: "text", role: "ink", x: px, y: py, text: name });
  }
  const said = far
    .slice(0, 4)
    .map(({ name, a, b }) => `${name} (${cellText(a, x.column)}, ${cellText(b, y.column)})`);
  return {
    width,
    height: HEIGHT,
    alt: `${points.length} points, ${headOf(x.column)} to the right and ${headOf(y.column)} upwards. Farthest out: ${said.join("; ")}.`,
    shapes,
  };
}

/** How far from zero, by the length of the axis. */
function spread(value: number, ticks: readonly number[]): number {
  return value / Math.max(Math.abs(ticks[0] ?? 0), Math.abs(ticks.at(-1) ?? 1), Number.MIN_VALUE);
}
