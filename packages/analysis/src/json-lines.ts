import { restForData } from "./rest-for-data.ts";
import type { Cell, Table } from "./table.ts";

/** A table with what NDJSON has for each of its rows. */
export interface WrittenTable {
  readonly table: Table;
  readonly entries: () => readonly object[];
}

/** What NDJSON has for each row of a table: the entries of the result's field that it shows, else rows by columns' names. */
export function entriesOf(result: object, table: Table): readonly object[] {
  const { field, rows } = table;
  const list: unknown = field === undefined ? undefined : Reflect.get(result, field);
  return Array.isArray(list) ? list : rows.map((row) => entryOf(table, row));
}

/** A row by the names of its columns. */
function entryOf({ columns }: Pick<Table, "columns">, row: readonly Cell[]): object {
  return Object.fromEntries(
    columns.flatMap(({ name, view }, i) => (view === true ? [] : [[name, row[i] ?? null]])),
  );
}

/**
 * The result without what its tables list, then a line for each row.
 *
 * @param tables all of the result
 * @param written those with rows of their own
 */
export function* jsonLines(
  result: object,
  tables: readonly Table[],
  written: readonly WrittenTable[],
): Generator<string> {
  const fields = tables.flatMap(({ field, replaces }) => [field, replaces]);
  const others = Object.entries(result).filter(([name]) => !fields.includes(name));
  yield `${JSON.stringify(Object.fromEntries(others))}\n`;
  for (const { table, entries } of written) {
    const { kind, rest } = table;
    for (const entry of entries()) yield `${JSON.stringify({ kind, ...entry })}\n`;
    if (rest !== undefined) {
      // Entries of a field have keys of their own: the rest has theirs, and what else it says.
      const cells = Object.entries(entryOf(table, restForData(table.columns, rest)));
      const [like = {}] = table.field === undefined ? [] : entries();
      const said = cells.filter(
        ([key, cell]) => table.field === undefined || cell !== null || key in like,
      );
      yield `${JSON.stringify({ kind: "rest", of: kind, ...Object.fromEntries(said) })}\n`;
    }
  }
}
