import { InputError } from "@resolvent/tensor";
import type { Table } from "./table.ts";

/** Kinds of columns, as a program of today knows them. */
const KINDS = ["text", "shape", "token", "count", "number", "logit", "divergence", "share"];
const WITH_BARS = ["bar", "effect"];

/** Rows of a table, and columns, at most: no result has more that anyone would look at. */
const MOST = 1_000_000;
const MOST_COLUMNS = 1000;

/**
 * Tables from anywhere, as far as drawing them relies on it; a column of an unknown kind is one of words or numbers, as
 * they come.
 *
 * @throws InputError `analysis/bad-table`
 */
export function checkTables(given: unknown): readonly Table[] {
  return list(given, "tables", MOST_COLUMNS).map((table, i) => checkTable(table, `tables[${i}]`));
}

function checkTable(given: unknown, at: string): Table {
  const {
    kind,
    title,
    columns,
    rows,
    shown,
    rest,
    footer = [],
    notes = [],
    subtitle,
  } = Object(given);
  if (typeof kind !== "string") throw bad(`${at}.kind`, "text");
  for (const [name, text] of Object.entries({ title, subtitle })) {
    if (text !== undefined && typeof text !== "string") throw bad(`${at}.${name}`, "text");
  }
  if (shown !== undefined && !(Number.isInteger(shown) && shown >= 0))
    throw bad(`${at}.shown`, "a whole number from 0");
  const heads = list(columns, `${at}.columns`, MOST_COLUMNS).map((column, i) => {
    const { name, head, kind: own } = Object(column);
    const fits = typeof name === "string" && (head === undefined || typeof head === "string");
    if (!fits || typeof own !== "string") throw bad(`${at}.columns[${i}]`, "a name and a kind");
    return KINDS.includes(own) || WITH_BARS.includes(own)
      ? column
      : { ...Object(column), kind: "text" };
  });
  const last = rest === undefined ? [] : [rest];
  for (const [name, part] of Object.entries({ rows, rest: last, footer })) {
    for (const [i, row] of list(part, `${at}.${name}`, MOST).entries()) {
      const cells = list(row, `${at}.${name}[${i}]`, MOST_COLUMNS);
      if (!cells.every((cell) => cell === null || ["string", "number"].includes(typeof cell)))
        throw bad(`${at}.${name}[${i}]`, "texts, numbers and null");
    }
  }
  for (const [i, note] of list(notes, `${at}.notes`, MOST).entries()) {
    if (typeof note !== "string") throw bad(`${at}.notes[${i}]`, "text");
  }
  return { ...Object(given), columns: heads }; // what drawing relies on was looked at
}

function list(value: unknown, at: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw bad(at, "an array");
  if (value.length > most) throw bad(at, `at most ${most} entries, got ${value.length}`);
  return value;
}

function bad(at: string, expected: string): InputError {
  return new InputError({
    code: "analysis/bad-table",
    message: `${at}: expected ${expected}.`,
    remedy: "Tables are as an analysis of Resolvent gives them.",
    details: { at, expected },
  });
}
