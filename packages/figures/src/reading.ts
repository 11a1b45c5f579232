import type { Cell, Column, Table } from "@resolvent/analysis";
import { divergence, percent, short } from "@resolvent/analysis";
import type { Refers } from "./shape.ts";
import { counted, minuses, visible } from "./text.ts";

/** A column of a table and where it is. */
export interface Found {
  readonly column: Column;
  readonly at: number;
}

/** The column of that name; undefined where there is none. */
export function columnOf({ columns }: Table, name: string): Found | undefined {
  const at = columns.findIndex((column) => column.name === name);
  const column = columns[at];
  return column === undefined ? undefined : { column, at };
}

/** The number in a cell; null where there is none. */
export function numberAt(row: readonly Cell[], at: number): number | null {
  const cell = row[at];
  return typeof cell === "number" && Number.isFinite(cell) ? cell : null;
}

/** A cell as people read it in a drawing or a page. */
export function cellText(cell: Cell, { kind, missing = "" }: Column): string {
  if (cell === null) return missing;
  if (typeof cell === "string") {
    if (kind === "token") return visible(cell);
    return kind === "shape" ? cell.replaceAll("×", " × ") : cell;
  }
  switch (kind) {
    case "count":
      return Number.isInteger(cell) ? counted(String(cell)) : cell.toLocaleString("en");
    case "logit":
      return minuses(cell.toFixed(3));
    case "share":
    case "bar":
      return minuses(percent(cell));
    case "divergence":
      return minuses(divergence(cell, "f32"));
    default:
      return minuses(short(cell));
  }
}

/** A number on an axis: no more digits than it takes. */
export function tickText(value: number, { kind }: Pick<Column, "kind">): string {
  if (kind === "share" || kind === "bar")
    return minuses(`${Number((100 * value).toPrecision(6))} %`);
  const size = Math.abs(value);
  const text = String(value);
  if (size === 0 || (size >= 1e-3 && size < 1e5)) return minuses(text);
  // All its digits: 1.2 million is not 1 million.
  return minuses(kind === "count" && size < 1e8 ? counted(text) : value.toExponential());
}

/** What people see as the name of a column. */
export function headOf({ name, head }: Column): string {
  return head ?? name;
}

/** What a row refers to. */
export function refersOf({ columns }: Table, row: readonly Cell[], select?: string): Refers {
  const named: { node?: string; pos?: string; key?: string } = {};
  // One loop without lists of its own: thousands of rows have it.
  for (const [i, { name, refers }] of columns.entries()) {
    const cell = row[i] ?? null;
    if (name === select) named.key ??= String(cell ?? "");
    if (refers === undefined || cell === null || cell === "") continue;
    const before = named[refers];
    named[refers] = before === undefined ? String(cell) : `${before} ${cell}`;
  }
  return named;
}

/** The rows that a view shows: as many as people see of its table, fewer where it says so. */
export function shownRows(table: Table, most?: number): readonly (readonly Cell[])[] {
  const { rows, shown = rows.length } = table;
  return rows.slice(0, most ?? shown);
}
