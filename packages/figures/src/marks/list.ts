import type { ListView, Table } from "@resolvent/analysis";
import { cellText, columnOf, headOf, refersOf, shownRows } from "../reading.ts";
import type { Drawing, Refers, Shape } from "../shape.ts";
import { cut, type TextOptions, textWidth, wrap } from "../text.ts";
import { toleranceOf, unsureIn } from "../unsure.ts";

const LINE = 20;
/** Between the lines of one cell. */
const NEXT = 15;
const GAP = 16;
/** Where there is too little room. */
const LESS = 10;
/** Pixels of a column that is too wide. */
const LEAST = 72;
/** Of a head that is longer than its cells: it takes lines. */
const HEAD = 96;
/** Lines of words in a cell at most: of a long path, each of its nodes. */
const LINES = 6;
/** Rows of a list in a drawing; a page has the table itself. */
const MOST = 60;
const WORDS = new Set(["text", "token", "shape"]);

/** Some columns as a table. */
export function listLayout(view: ListView, table: Table, width: number): Omit<Drawing, "title"> {
  const columns = view.columns.flatMap((name) => columnOf(table, name) ?? []);
  const rest = view.rest === true && table.rest !== undefined ? [table.rest] : [];
  const all = shownRows(table, view.most);
  const rows = [...all.slice(0, MOST), ...rest];
  const texts = rows.map((row) =>
    columns.map(({ at, column }) => cellText(row[at] ?? null, column)),
  );
  const longest = (text: string, how: TextOptions): number =>
    text.split(" ").reduce((most, word) => Math.max(most, textWidth(word, how)), 0);
  const heads = columns.map(({ column }) => ({
    whole: textWidth(headOf(column), { strong: true }),
    word: longest(headOf(column), { strong: true }),
  }));
  const wants = columns.map(({ column }, i) =>
    texts.reduce(
      (most, row) => Math.max(most, textWidth(row[i] ?? "", { mono: column.kind === "token" })),
      Math.min(heads[i]?.whole ?? 0, Math.max(HEAD, heads[i]?.word ?? 0)),
    ),
  );
  // No word is cut that is not longer than a head may be.
  const leasts = columns.map(({ column }, i) => {
    const words = texts.map((row) => longest(row[i] ?? "", { mono: column.kind === "token" }));
    return Math.max(LEAST, Math.min(HEAD, Math.max(heads[i]?.word ?? 0, ...words)));
  });
  // What is too wide takes several lines, or is cut; the widest first.
  const wanted = wants.reduce((a, b) => a + b + GAP, 8 - GAP);
  const gap = wanted > width ? LESS : GAP;
  const room = width - gap * (columns.length - 1) - 8;
  const widths = [...wants];
  for (let over = widths.reduce((a, b) => a + b, 0) - room; over > 0; ) {
    const yields = widths.map((own, i) => (own > (leasts[i] ?? 0) ? own : 0));
    const widest = yields.indexOf(Math.max(...yields));
    if (yields[widest] === 0) break;
    const less = Math.max((widths[widest] ?? 0) - over, leasts[widest] ?? 0);
    over -= (widths[widest] ?? 0) - less;
    widths[widest] = less;
  }
  const total = Math.ceil(widths.reduce((a, b) => a + b + gap, 8 - gap));
  const starts = widths.map((_, i) => 4 + widths.slice(0, i).reduce((a, b) => a + b + gap, 0));
  const tolerances = columns.map((found) => toleranceOf(table, found));
  const shapes: Shape[] = [];
  // The height that it takes.
  const cellsOf = (
    cells: readonly string[],
    y: number,
    role: "strong" | "ink",
    refers: Refers,
  ): number => {
    const lines = columns.map(({ column }, i) => {
      const [text, room] = [cells[i] ?? "", (widths[i] ?? 0) + 1];
      const how = { mono: column.kind === "token" && role === "ink", strong: role === "strong" };
      return column.kind === "text" || role === "strong"
        ? wrap(text, room, { ...how, lines: LINES })
        : [cut(text, room, how)];
    });
    columns.forEach(({ column }, i) => {
      const mono = column.kind === "token" && role === "ink";
      for (const [n, text] of (lines[i] ?? []).entries()) {
        const unsure = role === "ink" ? unsureIn(text, tolerances[i] ?? 0) : undefined;
        const own = {
          ...({ kind: "text", role, y: y + n * NEXT, text, mono, ...refers } as const),
          ...(unsure !== undefined && { unsure }),
        };
        shapes.push(
          WORDS.has(column.kind)
            ? { ...own, x: starts[i] ?? 0 }
            : { ...own, x: (starts[i] ?? 0) + (widths[i] ?? 0), anchor: "end" },
        );
      }
    });
    return LINE + NEXT * (Math.max(1, ...lines.map(({ length }) => length)) - 1);
  };
  const named = columns.map(({ column }) => headOf(column));
  let y = 20 + cellsOf(named, 16, "strong", {});
  shapes.push({ kind: "line", role: "axis", x1: 0, x2: total, y1: y - 16, y2: y - 16 });
  for (const [i, cells] of texts.entries())
    y += cellsOf(cells, y, "ink", refersOf(table, rows[i] ?? [], view.select));
  const more = all.length > MOST ? 1 : 0;
  if (more > 0)
    shapes.push({
      kind: "text",
      role: "faint",
      x: 4,
      y,
      text: `${all.length - MOST} more`,
    });
  const said = texts.slice(0, 5).map((cells) => cells.filter((cell) => cell !== "").join(", "));
  return {
    width: total,
    height: y - 4 + more * LINE,
    alt: `A list of ${all.length}. ${said.join("; ")}.`,
    shapes,
  };
}
