import type { Cell, GridView, Place, Table } from "@resolvent/analysis";
import { short } from "@resolvent/analysis";
import { cellText, columnOf, type Found, headOf, numberAt } from "../reading.ts";
import type { Drawing, Shape } from "../shape.ts";
import { cut, textWidth, visible } from "../text.ts";
import { cellShapes, decimalsOf, fixed } from "./grid-cells.ts";

/** Pixels of a cell: names of rows need the smaller, numbers in it the larger. */
const CELL = { least: 13, most: 34, numbers: 50 } as const;
const SMALL = { least: 4, most: 14 } as const;
/** Of a cell with words. */
const WORDS = { least: 48, most: 84, height: 24 } as const;
const NAME = 96;
/** Grids side by side that are drawn at most. */
const FACETS = 32;
/** Columns of grids side by side that still have names. */
const NAMED = 24;
const GAP = 16;

/** A cell for each pair of names. */
export function gridLayout(view: GridView, table: Table, width: number): Omit<Drawing, "title"> {
  const [x, y, value] = [view.x, view.y, view.value].map((name) => columnOf(table, name));
  if (x === undefined || y === undefined || value === undefined)
    return { width, height: 0, alt: "", shapes: [] };
  const facet = view.facet === undefined ? undefined : columnOf(table, view.facet);
  const words = view.text === undefined ? undefined : columnOf(table, view.text);
  const columns = placesOf(view.axes?.x, table.rows, x);
  const rows = placesOf(view.axes?.y, table.rows, y);
  const byGrid = new Map<string, (readonly Cell[])[]>(facet === undefined ? [["", []]] : []);
  for (const row of table.rows) {
    const name = facet === undefined ? "" : String(row[facet.at]);
    const own = byGrid.get(name);
    if (own === undefined) byGrid.set(name, [row]);
    else own.push(row);
  }
  const names = [...byGrid.keys()];
  const drawn = names.slice(0, FACETS);
  const largest = table.rows.reduce(
    (most, row) => Math.max(most, Math.abs(numberAt(row, value.at) ?? 0)),
    0,
  );
  // The number of the strongest colour.
  const full = Math.max(largest, view.full ?? 0);
  const signed =
    value.column.kind === "effect" || table.rows.some((row) => (numberAt(row, value.at) ?? 0) < 0);
  const labels = { x: columns.map(labelOf), y: rows.map(labelOf) };
  const mono = {
    x: columns.some(({ token }) => token !== undefined),
    y: rows.some(({ token }) => token !== undefined),
  };
  const widest = (texts: readonly string[], own: boolean): number =>
    Math.min(
      NAME,
      texts.reduce((most, text) => Math.max(most, textWidth(text, { mono: own })), 0),
    );
  const small = facet !== undefined;
  const decimals = decimalsOf(largest, value.column);
  const textOf = (row: readonly Cell[]): string =>
    words === undefined
      ? fixed(numberAt(row, value.at) ?? 0, decimals, value.column)
      : cellText(row[words.at] ?? null, words.column);
  const written = small ? 0 : widest(table.rows.map(textOf), words?.column.kind === "token") + 6;
  const bounds = small
    ? SMALL
    : words === undefined
      ? { least: CELL.least, most: Math.max(CELL.most, Math.min(written, CELL.numbers)) }
      : { least: WORDS.least, most: Math.max(WORDS.least, Math.min(written, WORDS.most)) };
  const named = !small || columns.length <= NAMED;
  const left = named ? widest(labels.y, mono.y) + 10 : 0;
  const wanted = left + columns.length * bounds.most;
  const least = left + columns.length * bounds.least + 2;
  const across = small
    ? Math.max(
        1,
        Math.min(
          drawn.length,
          Math.floor((width + GAP) / (Math.max(Math.min(wanted, 240), least) + GAP)),
        ),
      )
    : 1;
  const room = (width - (across - 1) * GAP) / across - left - 2;
  const cell = Math.max(
    bounds.least,
    Math.min(bounds.most, Math.floor(room / Math.max(1, columns.length))),
  );
  const high = words === undefined || small ? cell : WORDS.height;
  // Names stand upright where they are wider than their cell.
  const flat = labels.x.every((text) => textWidth(text, { mono: mono.x }) < cell - 4);
  const top = (small ? 20 : 0) + (named ? (flat ? 18 : widest(labels.x, mono.x) + 8) : 0);
  const [gridWidth, gridHeight] = [left + cell * columns.length, top + high * rows.length];
  const place = (at: Found, places: readonly Place[]) => {
    const index = new Map(places.map(({ key }, i) => [key, i]));
    return (row: readonly Cell[]) => index.get(String(row[at.at]));
  };
  const [column, line] = [place(x, columns), place(y, rows)];
  const shapes: Shape[] = [];
  drawn.forEach((name, f) => {
    const [ox, oy] = [
      (f % across) * (gridWidth + GAP),
      Math.floor(f / across) * (gridHeight + GAP),
    ];
    if (small)
      shapes.push({
        kind: "text",
        role: "strong",
        x: ox + left,
        y: oy + 13,
        text: cut(name, gridWidth),
        ...(facet?.column.refers === "node" && { node: name }),
      });
    shapes.push({
      kind: "rect",
      role: "empty",
      x: ox + left,
      y: oy + top,
      width: cell * columns.length,
      height: high * rows.length,
    });
    if (named) {
      labels.x.forEach((text, i) => {
        const middle = ox + left + (i + 0.5) * cell;
        const text0 = cut(text, NAME, { mono: mono.x });
        shapes.push(
          flat
            ? {
                kind: "text",
                role: "faint",
                x: middle,
                y: oy + top - 6,
                anchor: "middle",
                text: text0,
                mono: mono.x,
              }
            : {
                kind: "text",
                role: "faint",
                x: middle + 4,
                y: oy + top - 6,
                text: text0,
                upwards: true,
                mono: mono.x,
              },
        );
      });
      labels.y.forEach((text, i) => {
        shapes.push({
          kind: "text",
          role: "faint",
          x: ox + left - 6,
          y: oy + top + (i + 0.5) * high + 4,
          anchor: "end",
          text: cut(text, NAME, { mono: mono.y }),
          mono: mono.y,
        });
      });
    }
    const cells = (byGrid.get(name) ?? []).flatMap((row) => {
      const [i, j, number] = [column(row), line(row), numberAt(row, value.at)];
      if (i === undefined || j === undefined || number === null) return [];
      const said = `${labels.y[j]}, ${labels.x[i]}: ${words === undefined ? "" : `${textOf(row)} `}${cellText(number, value.column)}`;
      const [cx, cy] = [ox + left + i * cell, oy + top + j * high];
      return [{ row, x: cx, y: cy, number, said, text: textOf(row) }];
    });
    shapes.push(
      ...cellShapes(table, cells, {
        ...{ width: cell, height: high, largest: full, signed, small, select: view.select },
        many: drawn.length * table.rows.length,
        written: words === undefined ? written <= cell : true,
        mono: words?.column.kind === "token",
      }),
    );
  });
  const used = Math.min(drawn.length, across);
  const lines = Math.ceil(drawn.length / across);
  const total = {
    width: Math.max(used * gridWidth + (used - 1) * GAP + 2, Math.min(width, 240)),
    height: lines * (gridHeight + GAP),
  };
  const scale = value.column.kind === "logit" ? short(full) : cellText(full, value.column);
  const legend = signed ? `−${scale}` : cellText(0, value.column);
  const swatch = [0.55, 0.28, 0.05, 0.28, 0.55].map(
    (level, i): Shape => ({
      ...{
        kind: "rect",
        role: signed ? (i < 2 ? "against" : "towards") : "size",
        level: signed ? level : (i * 0.55) / 4,
      },
      ...{ x: textWidth(legend) + 8 + i * 14, y: total.height, width: 14, height: 12 },
    }),
  );
  shapes.push(
    { kind: "text", role: "faint", x: 2, y: total.height + 10, text: legend },
    ...swatch,
    { kind: "text", role: "faint", x: textWidth(legend) + 84, y: total.height + 10, text: scale },
    {
      kind: "text",
      role: "faint",
      x: 2,
      y: total.height + 30,
      text: cut(`rows: ${headOf(y.column)}, columns: ${headOf(x.column)}`, total.width),
    },
  );
  if (names.length > FACETS) {
    shapes.push({
      kind: "text",
      role: "faint",
      x: 2,
      y: total.height + 48,
      text: cut(`the first ${FACETS} of ${names.length}; the table has all`, total.width),
    });
  }
  return {
    width: Math.ceil(total.width),
    height: total.height + (names.length > FACETS ? 56 : 38),
    alt: altOf(table, { x, y, value, facet }, rows.length, columns.length, names.length),
    shapes,
  };
}

function labelOf({ key, token }: Place): string {
  return token === undefined ? key : visible(token);
}

/** The places that are given, or all that there are: numbers in order, names as they come. */
function placesOf(
  given: readonly Place[] | undefined,
  rows: Table["rows"],
  { at, column }: Found,
): readonly Place[] {
  if (given !== undefined) return given;
  const cells = [...new Set(rows.map((row) => row[at] ?? null))];
  const numbers = cells.every((cell) => typeof cell === "number");
  const sorted = numbers ? cells.toSorted((a, b) => Number(a) - Number(b)) : cells;
  return sorted.map((cell) => ({
    key: String(cell),
    ...(column.kind === "token" && { token: String(cell) }),
  }));
}

function altOf(
  table: Table,
  { x, y, value, facet }: { x: Found; y: Found; value: Found; facet: Found | undefined },
  rows: number,
  columns: number,
  grids: number,
): string {
  const largest = table.rows
    .toSorted((a, b) => Math.abs(numberAt(b, value.at) ?? 0) - Math.abs(numberAt(a, value.at) ?? 0))
    .slice(0, 3)
    .map((row) => {
      const where = [facet, y, x].flatMap((found) =>
        found === undefined ? [] : [cellText(row[found.at] ?? null, found.column)],
      );
      return `${where.join(", ")}: ${cellText(row[value.at] ?? null, value.column)}`;
    });
  const what = grids === 1 ? "A grid" : `${grids} grids`;
  return `${what} of ${headOf(value.column)}, ${rows} rows (${headOf(y.column)}) by ${columns} columns (${headOf(x.column)}). Largest: ${largest.join("; ")}.`;
}
