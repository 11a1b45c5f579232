import {
  csvLines,
  entriesOf,
  jsonLines,
  plainResult,
  type Result,
  type Soundness,
  type Table,
  type WrittenTable,
  warningLines,
} from "@resolvent/analysis";
import type { Precision } from "@resolvent/tensor";
import { didYouMean, nearestNames } from "@resolvent/weights";
import { usageError } from "./failure.ts";
import type { Format } from "./options.ts";
import { picture } from "./picture.ts";
import { wrapped } from "./places.ts";
import { type SelectionOptions, selectedRows } from "./selection.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Writes a result in a format: as it is, or as its tables.
 *
 * @throws InputError `cli/usage` for a table or column that it does not have
 */
export function writeResult(
  result: Result,
  tables: readonly Table[],
  {
    format,
    precision,
    soundness,
    terminal,
    selection,
    note,
  }: {
    readonly format: Format;
    /** Of the computation: what of a divergence is rounding. */
    readonly precision: Precision;
    /** What is wrong with the result as such. */
    readonly soundness: Soundness;
    readonly terminal: Pick<Terminal, "out" | "show" | "style" | "columns">;
    readonly selection: SelectionOptions;
    /** Hears which tables a format has no room for. */
    readonly note: Terminal["note"];
  },
): void {
  const plain = plainResult(result, soundness);
  if (format === "json") {
    terminal.out(`${JSON.stringify(plain, undefined, 2)}\n`);
    return;
  }
  const { only } = selection;
  if (only !== undefined && tables.every(({ kind }) => kind !== only)) {
    const kinds = tables.map(({ kind }) => kind);
    throw usageError(
      `This result has no table "${only}".`,
      `${didYouMean(nearestNames(only, kinds))}Its tables: ${kinds.join(", ")}.`,
    );
  }
  const main = tables.find(({ kind, view }) =>
    only === undefined ? view !== true : kind === only,
  );
  const listed = tables
    .filter(({ kind }) => only === undefined || kind === only)
    .map((table) => listedOf(result, table, table === main ? selection : {}));
  if (format === "table") {
    const pictures = listed
      .filter(({ table }) => only !== undefined || table.data !== true)
      .map(forPeople)
      .filter(saysSomething)
      .map((table) => picture(table, { precision, ...terminal }));
    terminal.show(pictures.join("\n"));
    for (const line of warningLines(soundness.warnings)) {
      terminal.show(`${wrapped(line, terminal.columns)}\n`);
    }
    return;
  }
  const data = listed.filter(({ table }) => only !== undefined || table.view !== true);
  const lines =
    format === "csv"
      ? data.slice(0, 1).flatMap(({ table }) => [...csvLines(table)])
      : jsonLines(plain, tables, data);
  for (const line of lines) terminal.out(line);
  if (format === "csv" && data.length > 1) {
    const [first = "", ...others] = data.map(({ table }) => table.kind);
    note(`This is the table ${first}; --only has others: ${others.join(", ")}.`);
  }
}

/** A table whose rows are those that were asked for. */
interface Listed extends WrittenTable {
  /** Whether the rows are others, or in another order. */
  readonly changed: { readonly sorted: boolean; readonly of: number } | undefined;
}

function listedOf(result: Result, table: Table, selection: SelectionOptions): Listed {
  const { columns, rows, field: _, rest, footer, ...others } = table;
  const all = (): readonly object[] => entriesOf(result, table);
  const { sort, filter = [] } = selection;
  if (sort === undefined && filter.length === 0) return { table, entries: all, changed: undefined };
  const chosen = selectedRows(table, selection);
  return {
    table: {
      ...others,
      columns,
      rows: chosen.map((i) => rows[i] ?? []),
      // What is in no row cannot be tested, and a footer speaks of rows that may have gone.
      ...(filter.length === 0 && rest !== undefined && { rest }),
      ...(filter.length === 0 && others.shown === undefined && footer !== undefined && { footer }),
    },
    entries: () => {
      const every = all();
      return chosen.flatMap((i) => every[i] ?? []);
    },
    changed: { sorted: sort !== undefined, of: rows.length },
  };
}

/** The table as people see it: a title that speaks of the first rows no longer fits others. */
function forPeople({ table, changed }: Listed): Table {
  if (changed === undefined) return table;
  const { title, notes = [], ...others } = table;
  const { rows, shown = rows.length } = table;
  const seen = Math.min(shown, rows.length);
  const which = seen === changed.of ? `${seen} rows` : `${seen} of ${changed.of} rows`;
  const more = rows.length > seen ? `, of ${rows.length} that pass` : "";
  return {
    ...others,
    ...(table.shown === undefined && title !== undefined && { title }),
    notes: [`(${table.kind}: ${which}${more}${changed.sorted ? ", sorted" : ""})`, ...notes],
  };
}

function saysSomething({ rows, rest, footer = [], title, subtitle, notes = [] }: Table): boolean {
  const lines = rows.length + footer.length + notes.length + (rest === undefined ? 0 : 1);
  return lines > 0 || (title ?? subtitle) !== undefined;
}
