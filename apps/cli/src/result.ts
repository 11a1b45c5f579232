import {
  type Cell,
  plainResult,
  type Result,
  type Soundness,
  type Table,
  warningLines,
} from "@resolvent/analysis";
import type { Precision } from "@resolvent/tensor";
import { usageError } from "./failure.ts";
import type { Format } from "./options.ts";
import { picture } from "./picture.ts";
import { wrapped } from "./places.ts";
import { type SelectionOptions, selectedRows } from "./selection.ts";
import { csvLine } from "./table.ts";
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
    const kinds = tables.map(({ kind }) => kind).join(", ");
    throw usageError(`This result has no table "${only}".`, `Its tables: ${kinds}.`);
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
  const lines = format === "csv" ? csvLines(data) : jsonLines(plain, tables, data);
  for (const line of lines) terminal.out(line);
  if (format === "csv" && data.length > 1) {
    const [first = "", ...others] = data.map(({ table }) => table.kind);
    note(`This is the table ${first}; --only has others: ${others.join(", ")}.`);
  }
}

/** A table whose rows are those that were asked for. */
interface Listed {
  readonly table: Table;
  /** What NDJSON has for each row. */
  readonly entries: () => readonly object[];
  /** Whether the rows are others, or in another order. */
  readonly changed: { readonly sorted: boolean; readonly of: number } | undefined;
}

function listedOf(result: Result, table: Table, selection: SelectionOptions): Listed {
  const { columns, rows, field, rest, footer, ...others } = table;
  const list = field === undefined ? undefined : result[field as keyof Result];
  const all = (): readonly object[] =>
    Array.isArray(list) ? list : rows.map((row) => entryOf(table, row));
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

/** A row by the names of its columns. */
function entryOf({ columns }: Table, row: readonly Cell[]): object {
  return Object.fromEntries(
    columns.flatMap(({ name, view }, i) => (view === true ? [] : [[name, row[i] ?? null]])),
  );
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

/** The result without what its tables list, then a line for each row. */
function* jsonLines(
  result: object,
  tables: readonly Table[],
  listed: readonly Listed[],
): Generator<string> {
  const fields = tables.flatMap(({ field, replaces }) => [field, replaces]);
  const others = Object.entries(result).filter(([name]) => !fields.includes(name));
  yield `${JSON.stringify(Object.fromEntries(others))}\n`;
  for (const { table, entries } of listed) {
    const { kind, rest } = table;
    for (const entry of entries()) yield `${JSON.stringify({ kind, ...entry })}\n`;
    if (rest !== undefined) {
      // Entries of a field have keys of their own: the rest has theirs, and what else it says.
      const cells = Object.entries(entryOf(table, restOf(table, rest)));
      const [like = {}] = table.field === undefined ? [] : entries();
      const said = cells.filter(
        ([key, cell]) => table.field === undefined || cell !== null || key in like,
      );
      yield `${JSON.stringify({ kind: "rest", of: kind, ...Object.fromEntries(said) })}\n`;
    }
  }
}

/** The first table; where it has a rest, a first column `kind` tells that apart. */
function* csvLines([first]: readonly Listed[]): Generator<string> {
  if (first === undefined) return;
  const { table } = first;
  const { kind, columns, rows, rest } = table;
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
  if (rest !== undefined) yield line("rest", restOf(table, rest));
}

/** A rest for data: words where rows have numbers are for people. */
function restOf({ columns }: Table, rest: readonly Cell[]): Cell[] {
  return columns.map(({ kind }, i) => {
    const cell = rest[i] ?? null;
    const words = kind === "text" || kind === "token" || kind === "shape";
    return typeof cell === "string" && !words ? null : cell;
  });
}
