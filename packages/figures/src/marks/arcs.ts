import type { ArcsView, Table } from "@resolvent/analysis";
import { cellText, columnOf, numberAt, refersOf, shownRows } from "../reading.ts";
import type { Drawing, Shape } from "../shape.ts";
import { cut, textWidth, visible } from "../text.ts";

const LINE = 22;
const NAME = 130;
/** Between both sides at most: further apart, a curve is followed less easily. */
const ACROSS = 420;

/** Tokens twice, one below the other at both sides, and a curve for each row, as strong as its number. */
export function arcsLayout(view: ArcsView, table: Table, width: number): Omit<Drawing, "title"> {
  const [from, to, value] = [view.from, view.to, view.value].map((name) => columnOf(table, name));
  if (from === undefined || to === undefined || value === undefined)
    return { width, height: 0, alt: "", shapes: [] };
  const texts = view.axes.x.map(({ key, token }) => (token === undefined ? key : visible(token)));
  const index = new Map(view.axes.x.map(({ key }, i) => [key, i]));
  const left =
    Math.min(
      NAME,
      texts.reduce((most, text) => Math.max(most, textWidth(text, { mono: true })), 0),
    ) + 8;
  const right = Math.min(width, left * 2 + ACROSS) - left;
  const y = (i: number): number => 20 + (i + 0.5) * LINE;
  const shapes: Shape[] = texts.flatMap((text, i): Shape[] => {
    const own = {
      kind: "text",
      role: "ink",
      y: y(i) + 4,
      text: cut(text, NAME, { mono: true }),
      mono: true,
      pos: view.axes.x[i]?.key ?? "",
    } as const;
    return [
      { ...own, x: left - 6, anchor: "end" },
      { ...own, x: right + 6 },
    ];
  });
  const rows = shownRows(table, view.most);
  const largest =
    rows.reduce((most, row) => Math.max(most, Math.abs(numberAt(row, value.at) ?? 0)), 0) || 1;
  const drawn = rows.flatMap((row) => {
    const [a, b, number] = [
      index.get(String(row[from.at])),
      index.get(String(row[to.at])),
      numberAt(row, value.at),
    ];
    if (a === undefined || b === undefined || number === null) return [];
    const middle = (left + right) / 2;
    const says = `${texts[a]} to ${texts[b]}: ${cellText(number, value.column)}`;
    const d = `M${left},${y(a)}C${middle},${y(a)} ${middle},${y(b)} ${right},${y(b)}`;
    return [
      {
        kind: "path",
        role: number < 0 ? "against" : "towards",
        d,
        width: 1 + (3 * Math.abs(number)) / largest,
        level: Math.abs(number) / largest,
        ...refersOf(table, row, view.select),
        says,
      } satisfies Shape,
    ];
  });
  shapes.push(
    { kind: "text", role: "faint", x: left, y: 12, anchor: "middle", text: "from" },
    { kind: "text", role: "faint", x: right, y: 12, anchor: "middle", text: "to" },
    ...drawn,
  );
  return {
    width: right + left,
    height: 24 + texts.length * LINE,
    alt: `${drawn.length} arcs between ${texts.length} tokens. ${drawn
      .slice(0, 4)
      .map(({ says }) => says)
      .join("; ")}.`,
    shapes,
  };
}
