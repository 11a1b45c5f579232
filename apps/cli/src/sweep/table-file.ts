import type { Cell, Column, Table } from "@resolvent/analysis";
import { type BasicType, parquetWriteBuffer } from "hyparquet-writer";

/** A table of the result of one prompt. */
export interface PromptTable {
  /** Which prompt of the sweep, from 0. */
  readonly prompt: number;
  readonly table: Table;
}

/** What the metadata of a file say of its table: as much as means are made of. */
export type TableHead = Pick<Table, "kind" | "title" | "columns" | "data" | "shown">;

/** The key of the metadata. */
export const HEAD_KEY = "resolvent.table";

/** Columns of every file beside those of its table: which prompt, and whether a row is what is in no row. */
export const OWN_COLUMNS = { prompt: "prompt", rest: "rest" } as const;

/** A column of a file. */
interface FileColumn {
  readonly name: string;
  readonly type: BasicType;
  readonly data: (string | number | boolean | null)[];
}

/** The name of a column in files, where it is not one of theirs. */
export function inFile(name: string): string {
  return name in OWN_COLUMNS ? `${name}_` : name;
}

/** Where words stand that are in a column of numbers. */
export function wordsOf(name: string): string {
  return `${inFile(name)}Text`;
}

/** Whether a column holds words. */
export function isText({ kind }: Column): boolean {
  return kind === "text" || kind === "token" || kind === "shape";
}

/**
 * Tables of one kind as Parquet: a row of each, with the prompt it is of. Numbers are DOUBLE, words UTF8; where a column of
 * numbers has words, these stand in a column of their own. What is for views alone is left out.
 */
export function tableFile(kind: string, tables: readonly PromptTable[]): Uint8Array {
  const columns: Column[] = [];
  for (const { table } of tables) {
    for (const column of table.columns) {
      if (column.view !== true && columns.every(({ name }) => name !== column.name))
        columns.push(column);
    }
  }
  const rows = tables.flatMap(({ prompt, table }) => [
    ...table.rows.map((cells) => ({ prompt, rest: false, table, cells })),
    ...(table.rest === undefined ? [] : [{ prompt, rest: true, table, cells: table.rest }]),
  ]);
  const cellsOf = (name: string): Cell[] =>
    rows.map(({ table, cells }) => {
      const at = table.columns.findIndex((column) => column.name === name);
      return cells[at] ?? null;
    });
  const [first] = tables;
  const title = first?.table.title;
  const head: TableHead = {
    ...{ kind, columns },
    ...(title !== undefined && tables.every((one) => one.table.title === title) && { title }),
    ...(first?.table.data === true && { data: true }),
    ...(first?.table.shown !== undefined && { shown: first.table.shown }),
  };
  return parquetOf(
    [
      { name: OWN_COLUMNS.prompt, type: "INT32", data: rows.map(({ prompt }) => prompt) },
      { name: OWN_COLUMNS.rest, type: "BOOLEAN", data: rows.map(({ rest }) => rest) },
      ...columns.flatMap((column) => fileColumns(column, cellsOf(column.name))),
    ],
    { [HEAD_KEY]: JSON.stringify(head) },
  );
}

function fileColumns(column: Column, cells: readonly Cell[]): FileColumn[] {
  const name = inFile(column.name);
  if (isText(column)) {
    const data = cells.map((cell) => (cell === null ? null : String(cell)));
    return [{ name, type: "STRING", data }];
  }
  const numbers = cells.map((cell) => (typeof cell === "number" ? cell : null));
  const words = cells.map((cell) => (typeof cell === "string" ? cell : null));
  return [
    { name, type: "DOUBLE", data: numbers },
    ...(words.every((word) => word === null)
      ? []
      : [{ name: wordsOf(column.name), type: "STRING", data: words } as const]),
  ];
}

/** Columns as a Parquet file; the same columns have the same bytes. */
export function parquetOf(
  columns: readonly FileColumn[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const buffer = parquetWriteBuffer({
    columnData: columns.map((column) => ({ ...column, nullable: true })),
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    createdBy: "resolvent",
  });
  return new Uint8Array(buffer);
}
