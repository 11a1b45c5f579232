import { restForData } from "./rest-for-data.ts";
import type { Cell, Table } from "./table.ts";

/** Values as one line of CSV (RFC 4180). */
export function csvLine(values: readonly (string | number | null)[]): string {
  const cell = (value: string | number | null): string => {
    const text = value === null ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${values.map(cell).join(",")}\n`;
}

/** A table as CSV, line by line, without columns for views; where it has a rest, a first column `kind` tells that apart. */
export function* csvLines({ kind, columns, rows, rest }: Table): Generator<string> {
  const kept = columns.flatMap(({ view }, i) => (view === true ? [] : [i]));
  const line = (of: string, row: readonly Cell[]): string => {
    const cells = kept.map((i) => row[i] ?? null);
    return csvLine(rest === undefined ? cells : [of, ...cells]);
  };
  yield line(
    "kind",
    columns.map(({ name }) => name),
  );
  for (const row of rows) yield line(kind, row);
  if (rest !== undefined) yield line("rest", restForData(columns, rest));
}
