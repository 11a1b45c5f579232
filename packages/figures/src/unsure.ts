import type { Table } from "@resolvent/analysis";
import { type Found, numberAt } from "./reading.ts";

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
  const found = /^(−?)(\d+)(\.\d+)?(?:e([+−-]?\d+))?/.exec(text);
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
