import type { Table } from "@resolvent/analysis";
import { columnOf, type Found, numberAt } from "./reading.ts";

/** Some characters of a text: from, and up to. */
export type Span = readonly [from: number, to: number];

/** How large a number is of which digits are unsure, of a column that has any: numbers in sizes as they are shown. */
export function toleranceOf(table: Table, { column, at }: Found): number {
  const { accuracy = 0, rows, rest, footer = [], rounding = 0 } = table;
  if (accuracy === 0) return 0;
  const largest = [...rows, ...(rest === undefined ? [] : [rest]), ...footer].reduce(
    (most, row) => Math.max(most, Math.abs(numberAt(row, at) ?? 0)),
    0,
  );
  switch (column.kind) {
    case "number":
    case "effect":
      return Math.max(accuracy * largest, column.rounding ?? rounding);
    case "logit":
      return accuracy * largest;
    case "share":
    case "bar":
      return 100 * accuracy * largest;
    default:
      return 0;
  }
}

/**
 * The characters of a number that another engine may have otherwise: digits that count less than the tolerance;
 * undefined where there are none.
 */
export function unsureIn(text: string, tolerance: number): Span | undefined {
  const found = /^([−+]?)(\d+)(\.\d+)?(?:e([+−-]?\d+))?/.exec(text);
  if (found === null || tolerance === 0) return undefined;
  const [all, sign = "", whole = "", part = "", power = "0"] = found;
  const exponent = Number(power.replace("−", "-"));
  const digits = whole.length + Math.max(part.length - 1, 0);
  // 10 to some power is not exact.
  const sure = Math.max(exponent + whole.length - Math.ceil(Math.log10(tolerance) - 1e-9), 0);
  if (sure >= digits) return undefined;
  if (sure === 0) return [0, all.length];
  const from = sign.length + sure + (sure > whole.length ? 1 : 0);
  return [from, sign.length + whole.length + part.length];
}

/** A number as it is shown, and the characters of it that another engine may have otherwise. */
export interface Digits {
  readonly text: string;
  /** From, and up to; undefined where there are none. */
  readonly unsure: Span | undefined;
}

/** A number that is shown beside a table, as a sum over one of its columns: its digits are as unsure as those of that. */
export function besideTable(text: string, table: Table | undefined, column: string): Digits {
  if (table === undefined) return { text, unsure: undefined };
  const found = columnOf(table, column);
  return { text, unsure: found && unsureIn(text, toleranceOf(table, found)) };
}
