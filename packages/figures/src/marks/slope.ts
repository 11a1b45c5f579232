import type { SlopeView, Table } from "@resolvent/analysis";
import { cellText, columnOf, headOf, numberAt, refersOf, shownRows } from "../reading.ts";
import { linear } from "../scale.ts";
import type { Drawing, Shape } from "../shape.ts";
import { cut, textWidth } from "../text.ts";

const LINE = 16;
/** Pixels below the lowest end. */
const BELOW = 16;

/** A line for each row from one number to another; names beside their ends, none on another. */
export function slopeLayout(view: SlopeView, table: Table, width: number): Omit<Drawing, "title"> {
  const [label, from, to] = [view.label, view.from, view.to].map((name) => columnOf(table, name));
  if (label === undefined || from === undefined || to === undefined)
    return { width, height: 0, alt: "", shapes: [] };
  const rows = shownRows(table, view.most).flatMap((row) => {
    const [a, b] = [numberAt(row, from.at), numberAt(row, to.at)];
    const name = cellText(row[label.at] ?? null, label.column);
    return a === null || b === null ? [] : [{ row, a, b, name }];
  });
  const height = Math.max(160, 48 + rows.length * (LINE + 4));
  const numbers = rows.flatMap(({ a, b }) => [a, b]);
  const y = linear([Math.min(...numbers), Math.max(...numbers)], [height - BELOW, 40]);
  const texts = rows.map(
    ({ a, b, name }) =>
      [`${name} ${cellText(a, from.column)}`, `${cellText(b, to.column)} ${name}`] as const,
  );
  const room =
    Math.min(
      width / 3,
      texts.flat().reduce((most, text) => Math.max(most, textWidth(text)), 0),
    ) + 10;
  const [left, right] = [room, width - room];
  const ends = [
    apart(
      rows.map(({ a }) => y(a)),
      height - BELOW,
    ),
    apart(
      rows.map(({ b }) => y(b)),
      height - BELOW,
    ),
  ] as const;
  const shapes: Shape[] = [
    { kind: "text", role: "strong", x: left, y: 16, anchor: "middle", text: headOf(from.column) },
    { kind: "text", role: "strong", x: right, y: 16, anchor: "middle", text: headOf(to.column) },
  ];
  rows.forEach(({ row, a, b, name }, i) => {
    const says = `${name}: ${cellText(a, from.column)} to ${cellText(b, to.column)}`;
    const [before, after] = texts[i] ?? ["", ""];
    shapes.push(
      {
        kind: "line",
        role: b < a ? "against" : "towards",
        x1: left,
        x2: right,
        y1: y(a),
        y2: y(b),
        width: 2,
        ...refersOf(table, row, view.select),
        says,
      },
      {
        kind: "text",
        role: "ink",
        x: left - 8,
        y: (ends[0][i] ?? 0) + 4,
        anchor: "end",
        text: cut(before, room - 8),
      },
      {
        kind: "text",
        role: "ink",
        x: right + 8,
        y: (ends[1][i] ?? 0) + 4,
        text: cut(after, room - 8),
      },
    );
  });
  return {
    width,
    height,
    alt: `${rows.length} lines from ${headOf(from.column)} to ${headOf(to.column)}. ${rows
      .slice(0, 6)
      .map(({ a, b, name }) => `${name}: ${cellText(a, from.column)} to ${cellText(b, to.column)}`)
      .join("; ")}.`,
    shapes,
  };
}

/** The same heights, moved as far as it takes for lines of text not to touch and not to come below `most`. */
function apart(heights: readonly number[], most: number): number[] {
  const order = heights.map((height, i) => ({ height, i })).sort((a, b) => a.height - b.height);
  const moved: number[] = [];
  let least = Number.NEGATIVE_INFINITY;
  for (const { height, i } of order) {
    moved[i] = Math.max(height, least);
    least = (moved[i] ?? height) + LINE;
  }
  let room = most;
  for (const { height, i } of order.toReversed()) {
    moved[i] = Math.min(moved[i] ?? height, room);
    room = (moved[i] ?? height) - LINE;
  }
  return moved;
}
