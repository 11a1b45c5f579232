import type { Cell, Table } from "@resolvent/analysis";

/** By which column a table is sorted, and whether the largest comes first. */
export interface Sorting {
  readonly column: string;
  readonly down: boolean;
}

/** A table with its rows in another order; what has no number or no text comes last either way. */
export function sortedTable(table: Table, { column, down }: Sorting): Table {
  const at = table.columns.findIndex(({ name }) => name === column);
  if (at < 0) return table;
  return { ...table, rows: table.rows.toSorted((a, b) => compare(a[at], b[at], down)) };
}

function compare(a: Cell | undefined, b: Cell | undefined, down: boolean): number {
  const [first, second] = [a ?? null, b ?? null];
  if (first === null || second === null) return Number(first === null) - Number(second === null);
  const order =
    typeof first === "number" && typeof second === "number"
      ? first - second
      : String(first).localeCompare(String(second), "en", { numeric: true });
  return down ? -order : order;
}
