import { InputError } from "@resolvent/tensor";
import type { ColumnKind, Table } from "./table.ts";

/** Kinds of columns, as a program of today knows them. */
const KINDS: ReadonlySet<string> = new Set<ColumnKind>([
  ...(["text", "shape", "token", "count", "number", "logit"] as const),
  ...(["divergence", "share", "bar", "effect"] as const),
]);

/** How much is taken at most. */
export interface TableLimits {
  /** Default 1000. */
  readonly tables?: number;
  /** Of a table, its footer and notes too; default a million: no result has more that anyone would look at. */
  readonly rows?: number;
  /** Default 1000. */
  readonly columns?: number;
  /** Characters of a text; default any number. */
  readonly characters?: number;
}

/**
 * Tables from anywhere, as far as drawing them relies on it; a column of an unknown kind is one of words or numbers, as
 * they come.
 *
 * @throws InputError `analysis/bad-table`
 */
export function checkTables(
  given: unknown,
  {
    tables = 1000,
    rows = 1_000_000,
    columns = 1000,
    characters = Number.POSITIVE_INFINITY,
  }: TableLimits = {},
): readonly Table[] {
  const limits = { rows, columns, characters };
  return list(given, "tables", tables).map((table, i) => checkTable(table, `tables[${i}]`, limits));
}

function checkTable(
  given: unknown,
  at: string,
  limits: Omit<Required<TableLimits>, "tables">,
): Table {
  const { characters } = limits;
  const { kind, title, subtitle, columns, rows, rest, shown, rounding, accuracy, ...more } =
    Object(given);
  text(kind, `${at}.kind`, characters);
  for (const [name, own] of Object.entries({ title, subtitle }))
    if (own !== undefined) text(own, `${at}.${name}`, characters);
  if (shown !== undefined && !(Number.isInteger(shown) && shown >= 0))
    throw bad(`${at}.shown`, "a whole number from 0");
  for (const [name, own] of Object.entries({ rounding, accuracy }))
    if (own !== undefined && typeof own !== "number") throw bad(`${at}.${name}`, "a number");
  const heads = list(columns, `${at}.columns`, limits.columns).map((column, i) => {
    const { name, head, missing, kind: own } = Object(column);
    const place = `${at}.columns[${i}]`;
    for (const [key, one] of Object.entries({ name, kind: own, head, missing }))
      if (one !== undefined || key === "name" || key === "kind")
        text(one, `${place}.${key}`, characters);
    return KINDS.has(own) ? column : { ...Object(column), kind: "text" };
  });
  const { footer = [], notes = [] } = more;
  const last = rest === undefined ? [] : [rest];
  for (const [name, part] of Object.entries({ rows, rest: last, footer })) {
    for (const [i, row] of list(part, `${at}.${name}`, limits.rows).entries()) {
      const place = `${at}.${name}[${i}]`;
      const cells = list(row, place, limits.columns);
      if (cells.length !== heads.length)
        throw bad(place, `a cell for each of ${heads.length} columns, got ${cells.length}`);
      for (const [k, cell] of cells.entries()) {
        if (typeof cell === "string") text(cell, `${place}[${k}]`, characters);
        else if (cell !== null && typeof cell !== "number")
          throw bad(`${place}[${k}]`, "a text, a number or null");
      }
    }
  }
  for (const [i, note] of list(notes, `${at}.notes`, limits.rows).entries())
    text(note, `${at}.notes[${i}]`, characters);
  return { ...Object(given), columns: heads }; // what drawing relies on was looked at
}

function list(value: unknown, at: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw bad(at, "an array");
  if (value.length > most) throw bad(at, `at most ${most} entries, got ${value.length}`);
  return value;
}

function text(value: unknown, at: string, most: number): void {
  if (typeof value !== "string") throw bad(at, "text");
  if (value.length > most) throw bad(at, `at most ${most} characters, got ${value.length}`);
}

function bad(at: string, expected: string): InputError {
  return new InputError({
    code: "analysis/bad-table",
    message: `${at}: expected ${expected}.`,
    remedy: "Tables are as an analysis of Resolvent gives them.",
    details: { at, expected },
  });
}
