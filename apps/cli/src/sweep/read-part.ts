import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Cell, Column, Table } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { PROMPTS_FILE } from "./part-files.ts";
import { partFolder } from "./parts.ts";
import { HEAD_KEY, inFile, isText, OWN_COLUMNS, type TableHead, wordsOf } from "./table-file.ts";

/** A prompt as a part has it. */
export interface ReadPrompt {
  readonly prompt: number;
  readonly tables: readonly Table[];
  /** Whether its result is finite and adds up; null where there is none. */
  readonly sound: boolean | null;
  readonly relativeError: number | null;
  readonly relativeErrorFloat64: number | null;
  /** The code of why there is no result; null where there is one. */
  readonly error: string | null;
}

type FileRow = Readonly<Record<string, unknown>>;

/** Bytes of a file of a part at most: it is read as a whole. */
const MOST_BYTES = 2 ** 30;

/** The kinds of rows of a part, in the order of their names. */
export async function kindsOf(folder: string, part: number): Promise<string[]> {
  const names = await readdir(partFolder(folder, part));
  return names
    .filter((name) => name.endsWith(".parquet") && name !== PROMPTS_FILE)
    .map((name) => name.replace(/\.parquet$/, ""))
    .sort();
}

/**
 * The prompts of a part with their tables, in order.
 *
 * @param expected the numbers of its prompts: from, and how many
 * @throws InputError `sweep/bad-part`
 */
export async function readPart(
  folder: string,
  part: number,
  expected: { readonly from: number; readonly count: number },
): Promise<ReadPrompt[]> {
  const read = async (name: string): Promise<FileTable> => {
    const path = join(partFolder(folder, part), name);
    try {
      return await readFileTable(path);
    } catch (cause) {
      throw badPart(path, cause instanceof Error ? cause.message : String(cause), cause);
    }
  };
  const { rows } = await read(PROMPTS_FILE);
  const path = partFolder(folder, part);
  if (rows.length !== expected.count) {
    throw badPart(path, `it has ${rows.length} prompts, not ${expected.count}`);
  }
  rows.forEach(({ prompt }, i) => {
    if (prompt !== expected.from + i) throw badPart(path, `prompt ${prompt} stands at place ${i}`);
  });
  const tables = rows.map((): Table[] => []);
  for (const kind of await kindsOf(folder, part)) {
    const file = await read(`${kind}.parquet`);
    const own = new Map<number, FileRow[]>();
    for (const row of file.rows) {
      const at = Number(row[OWN_COLUMNS.prompt]) - expected.from;
      const list = own.get(at);
      if (list === undefined) own.set(at, [row]);
      else list.push(row);
    }
    for (const [at, list] of own) tables[at]?.push(tableOf(file.head, kind, list));
  }
  return rows.map((row, i) => ({
    prompt: expected.from + i,
    tables: tables[i] ?? [],
    sound: typeof row.sound === "boolean" ? row.sound : null,
    relativeError: numberIn(row.relativeError),
    relativeErrorFloat64: numberIn(row.relativeErrorFloat64),
    error: typeof row.error === "string" ? row.error : null,
  }));
}

interface FileTable {
  readonly rows: readonly FileRow[];
  readonly head: TableHead | undefined;
}

async function readFileTable(path: string): Promise<FileTable> {
  const { size } = await stat(path);
  if (size > MOST_BYTES) throw new Error(`it has ${size} bytes, at most ${MOST_BYTES} are read`);
  const { buffer, byteOffset, byteLength } = await readFile(path);
  const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer; // a file is not shared
  const metadata = parquetMetadata(file);
  const head = metadata.key_value_metadata?.find(({ key }) => key === HEAD_KEY)?.value;
  return {
    rows: await parquetReadObjects({ file, metadata }),
    head: head === undefined ? undefined : headOf(JSON.parse(head)),
  };
}

/** @throws Error for what is no head */
function headOf(value: unknown): TableHead {
  const { kind, columns } = Object(value);
  const isColumn = (column: unknown): boolean =>
    typeof Object(column).name === "string" && typeof Object(column).kind === "string";
  if (typeof kind !== "string" || !Array.isArray(columns) || !columns.every(isColumn))
    throw new Error("its metadata do not say what its columns are");
  return value as TableHead; // as it was just seen to be
}

function tableOf(head: TableHead | undefined, kind: string, rows: readonly FileRow[]): Table {
  const columns: readonly Column[] = head?.columns ?? [];
  const cells = (row: FileRow): Cell[] => columns.map((column) => cellOf(row, column));
  const rest = rows.find((row) => row[OWN_COLUMNS.rest] === true);
  return {
    ...(head ?? { kind, columns }),
    rows: rows.filter((row) => row[OWN_COLUMNS.rest] !== true).map(cells),
    ...(rest !== undefined && { rest: cells(rest) }),
  };
}

function cellOf(row: FileRow, column: Column): Cell {
  const own = row[inFile(column.name)];
  if (isText(column)) return typeof own === "string" ? own : null;
  const words = row[wordsOf(column.name)];
  return numberIn(own) ?? (typeof words === "string" ? words : null);
}

function numberIn(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function badPart(path: string, why: string, cause?: unknown): InputError {
  return new InputError({
    code: "sweep/bad-part",
    message: `${path} is not as a sweep writes it: ${why}.`,
    remedy: "Remove this part, and run its shard again.",
    details: { path },
    ...(cause !== undefined && { cause }),
  });
}
