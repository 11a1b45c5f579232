import type { Cell, PassagesView, Table } from "@resolvent/analysis";
import { cellText, columnOf, numberAt, refersOf, shownRows } from "../reading.ts";
import type { Drawing, Shape } from "../shape.ts";
import { cut, textWidth, visible } from "../text.ts";

const LINE = 20;
/** Pixels before a passage's head, and between tokens. */
const [ABOVE, GAP] = [8, 1];
/** Pixels of a token at most: a longer one is cut. */
const TOKEN = 150;
/** The strongest shade: what is written on it is still read. */
const FULL = 0.55;
/** Passages in a drawing. */
const MOST = 40;

interface Passage {
  readonly name: string;
  readonly scale: string;
  readonly rows: (readonly Cell[])[];
}

/** Tokens as running texts, each shaded by its number, the largest of those that share a scale the strongest. */
export function passagesLayout(
  view: PassagesView,
  table: Table,
  width: number,
): Omit<Drawing, "title"> {
  const [passage, token, value] = [view.passage, view.token, view.value].map((name) =>
    columnOf(table, name),
  );
  if (passage === undefined || token === undefined || value === undefined)
    return { width, height: 0, alt: "", shapes: [] };
  const within = view.within === undefined ? undefined : columnOf(table, view.within);
  const passages: Passage[] = [];
  const largest = new Map<string, number>();
  for (const row of shownRows(table, view.most)) {
    const [name, scale] = [
      cellText(row[passage.at] ?? null, passage.column),
      within === undefined ? "" : String(row[within.at]),
    ];
    const size = Math.abs(numberAt(row, value.at) ?? 0);
    largest.set(scale, Math.max(size, largest.get(scale) ?? 0));
    const last = passages.at(-1);
    if (last?.name === name && last.scale === scale) last.rows.push(row);
    else passages.push({ name, scale, rows: [row] });
  }
  const shapes: Shape[] = [];
  const said: string[] = [];
  let y = 0;
  for (const { name, scale, rows } of passages.slice(0, MOST)) {
    y += ABOVE + LINE;
    shapes.push({ kind: "text", role: "faint", x: 0, y: y - 6, text: cut(name, width) });
    let [x, strongest, most] = [0, "", 0];
    for (const row of rows) {
      const number = numberAt(row, value.at);
      const text = cut(visible(String(row[token.at] ?? "")), TOKEN, { mono: true });
      const wide = textWidth(text, { mono: true }) + 4;
      if (x > 0 && x + wide > width) {
        x = 0;
        y += LINE;
      }
      const size = Math.abs(number ?? 0);
      const level = (FULL * size) / (largest.get(scale) || 1);
      const words = number === null ? text : `${text}: ${cellText(number, value.column)}`;
      if (size > most) [strongest, most] = [words, size];
      const refers = refersOf(table, row, view.select);
      shapes.push(
        {
          ...{ kind: "rect", role: (number ?? 0) < 0 ? "against" : "towards", level },
          ...{ x, y: y + 1, width: wide, height: LINE - 3, ...refers, says: words },
        },
        { kind: "text", role: "ink", x: x + 2, y: y + LINE - 7, text, mono: true, ...refers },
      );
      x += wide + GAP;
    }
    y += LINE;
    said.push(strongest === "" ? name : `${name}, strongest on ${strongest}`);
  }
  const more = passages.length - MOST;
  if (more > 0) {
    y += LINE;
    shapes.push({ kind: "text", role: "faint", x: 0, y: y - 6, text: `${more} more` });
  }
  return {
    width,
    height: y + 2,
    alt: `${passages.length} ${passages.length === 1 ? "text" : "texts"}, tokens shaded by their numbers. ${said.slice(0, 4).join("; ")}.`,
    shapes,
  };
}
