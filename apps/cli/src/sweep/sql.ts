import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Cell, Column } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";

/** Rows of an answer at most: it is printed. */
const MOST_ROWS = 100_000;

/** What of DuckDB is used; its package is optional, so that its types may not be there. */
interface DuckDb {
  readonly DuckDBInstance: {
    create(
      path: string,
      options: Readonly<Record<string, string>>,
    ): Promise<{ connect(): Promise<Connection>; closeSync?(): void }>;
  };
}

interface Connection {
  run(sql: string): Promise<unknown>;
  extractStatements(sql: string): Promise<{ readonly count: number }>;
  runAndReadUntil(
    sql: string,
    rows: number,
  ): Promise<{ columnNames(): readonly string[]; getRowsJS(): readonly (readonly unknown[])[] }>;
}

/** What a query gave. */
export interface SqlRows {
  readonly query: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
}

/**
 * What DuckDB says to a query: every kind of rows is a table of that name, with underscores for hyphens. It sees the
 * folder of the sweep and nothing else; a query is one that gives rows.
 *
 * @throws InputError `sweep/no-duckdb` where its package is not installed, `sweep/bad-sql`
 */
export async function askSql(
  folder: string,
  kinds: readonly string[],
  query: string,
): Promise<SqlRows> {
  const { DuckDBInstance } = await duckDb();
  const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  try {
    const connection = await instance.connect();
    const place = resolve(folder);
    // A pattern is looked at as a path, too.
    const places = [place, asPattern(place)].map(quoted).join(", ");
    await connection.run(`SET allowed_directories = [${places}]`);
    await connection.run("SET enable_external_access = false");
    for (const kind of kinds) {
      const files = quoted(`${asPattern(place)}/parts/[0-9]*/${kind}.parquet`);
      await connection.run(
        `CREATE VIEW "${kind.replaceAll("-", "_").replaceAll('"', '""')}" AS SELECT * FROM read_parquet(${files}, union_by_name = true)`,
      );
    }
    await connection.run("SET lock_configuration = true");
    const selected = `SELECT * FROM (\n${query.trim().replace(/;$/, "")}\n)`;
    // A query that closes the bracket could be followed by one that writes.
    const { count } = await connection.extractStatements(selected);
    if (count !== 1) throw new Error(`${count} statements are more than one query.`);
    const answer = await connection.runAndReadUntil(selected, MOST_ROWS + 1);
    const rows = answer.getRowsJS();
    if (rows.length > MOST_ROWS) {
      throw new InputError({
        code: "sweep/too-many-rows",
        message: `The query has over ${MOST_ROWS} rows.`,
        remedy: "Add LIMIT, or read the Parquet files with DuckDB itself.",
        details: { limit: MOST_ROWS },
      });
    }
    const cells = rows.map((row) => row.map(cellOf));
    const columns = answer.columnNames().map((name, i): Column => {
      const own = cells.flatMap((row) => row[i] ?? []);
      const words = own.some((cell) => typeof cell === "string");
      return { name, kind: words ? "text" : own.every(Number.isInteger) ? "count" : "number" };
    });
    return { query, columns, rows: cells };
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError({
      code: "sweep/bad-sql",
      message: `DuckDB: ${(cause instanceof Error ? cause.message : String(cause)).split("\n")[0]}`,
      remedy: `Its tables: ${kinds.map((kind) => kind.replaceAll("-", "_")).join(", ")}.`,
      details: { query },
      cause,
    });
  } finally {
    instance.closeSync?.();
  }
}

/** Where it is beside the command, or in the folder that this runs in. */
async function duckDb(): Promise<DuckDb> {
  const name = "@duckdb/node-api";
  for (const from of [import.meta.url, pathToFileURL(resolve("package.json")).href]) {
    let path: string;
    try {
      path = createRequire(from).resolve(name);
    } catch {
      continue;
    }
    const module: unknown = await import(pathToFileURL(path).href);
    const found = Object(module);
    return (found.DuckDBInstance === undefined ? found.default : found) as DuckDb; // a module of CommonJS
  }
  throw new InputError({
    code: "sweep/no-duckdb",
    message: "SQL over a sweep needs DuckDB, which is not installed.",
    remedy:
      "Run npm install @duckdb/node-api in this folder, or read the Parquet files with any other program.",
  });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A path as a pattern that matches it alone. */
function asPattern(path: string): string {
  return path.replace(/[*?[]/g, "[$&]");
}

function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === "number" || typeof value === "string") return value;
  if (typeof value === "bigint") return Number(value);
  return typeof value === "boolean" ? String(value) : JSON.stringify(value);
}
