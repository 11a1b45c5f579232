import type { InputError } from "@resolvent/tensor";

/** A row of a file of prompts or pairs, before its fields are checked. */
export interface TextRow {
  /** Where it begins, from 1. */
  readonly line: number;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Whether its fields are JSON; otherwise they are texts. */
  readonly json: boolean;
}

export interface TextRowsOptions {
  /** The names of fields, the first of which every row has. */
  readonly columns: readonly string[];
  /** The error for a line, 0 for the whole, and what is wrong with it. */
  readonly refuse: (line: number, why: string) => InputError;
}

/** Characters of a file of rows at most, 64 MiB: far more than `ROWS_LIMIT` prompts of usual contexts. */
const TEXT_LIMIT = 2 ** 26;

/**
 * The rows of a text, whose form is seen from its first line: JSON lines where that begins with `{` or `[`; CSV where it
 * is a header that has the first column; otherwise plain text, a row a line with tabs between fields. A byte order
 * mark and carriage returns at ends of lines are no part of it; empty lines are passed over.
 *
 *     {"prompt": "Once upon", "target": [" a"]}      JSON lines; a list is token ids of the first column
 *     prompt,target                                  CSV; quotes as in RFC 4180
 *     Once upon a time                               plain text
 */
export function textRows(text: string, { columns, refuse }: TextRowsOptions): TextRow[] {
  if (text.length > TEXT_LIMIT) {
    throw refuse(0, `the text has ${text.length} characters, the limit is ${TEXT_LIMIT}`);
  }
  const plain = text.replace(/^\uFEFF/, "");
  const lines = plain
    .split("\n")
    .map((line, i) => ({ line: i + 1, text: line.replace(/\r$/, "") }))
    .filter((row) => row.text.trim() !== "");
  const [first] = lines;
  if (first === undefined) return [];
  const [column = ""] = columns;
  if (/^\s*[{[]/.test(first.text)) return lines.map((row) => jsonRow(row, column, refuse));
  const header = csvRecords(first.text)?.[0]?.fields.map((name) => name.trim());
  if (header?.includes(column)) return csvRows(plain, columns, refuse);
  return lines.map(({ line, text: whole }) => {
    const fields = whole.split("\t");
    if (fields.length > columns.length) {
      throw refuse(
        line,
        `it has ${fields.length} fields between tabs, at most ${columns.length} are read`,
      );
    }
    return { line, fields: named(columns, fields), json: false };
  });
}

function jsonRow(
  { line, text }: { readonly line: number; readonly text: string },
  column: string,
  refuse: TextRowsOptions["refuse"],
): TextRow {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse(line, "it is no JSON");
  }
  if (Array.isArray(value) || typeof value === "string") {
    return { line, fields: { [column]: value }, json: true };
  }
  if (typeof value !== "object" || value === null) throw refuse(line, "it is no object");
  return { line, fields: value as Readonly<Record<string, unknown>>, json: true }; // an object
}

function csvRows(
  text: string,
  columns: readonly string[],
  refuse: TextRowsOptions["refuse"],
): TextRow[] {
  const records = csvRecords(text);
  if (records === undefined) throw refuse(0, "a quote is not closed");
  const [header, ...rows] = records.filter(({ fields }) => fields.join("").trim() !== "");
  const names = header?.fields.map((name) => name.trim()) ?? [];
  const odd = names.find((name, i) => !columns.includes(name) || names.indexOf(name) !== i);
  if (odd !== undefined) {
    throw refuse(1, `columns are ${columns.join(", ")}, each once; got "${odd}"`);
  }
  return rows.map(({ line, fields }) => {
    if (fields.length !== names.length) {
      throw refuse(line, `it has ${fields.length} fields, the header has ${names.length}`);
    }
    return { line, fields: named(names, fields), json: false };
  });
}

/** Fields by name; empty ones are left out. */
function named(names: readonly string[], fields: readonly string[]): TextRow["fields"] {
  const entries = fields.map((field, i) => [names[i] ?? "", field] as const);
  return Object.fromEntries(entries.filter(([, field]) => field !== ""));
}

/** The records of a CSV text (RFC 4180), each with the line where it begins; undefined where a quote is not closed. */
function csvRecords(
  text: string,
): { readonly line: number; readonly fields: string[] }[] | undefined {
  const records: { line: number; fields: string[] }[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^,\r\n"]*))(,|\r?\n|\r?$)/suy;
  let [line, fields]: [number, string[]] = [1, []];
  let start = line;
  for (let at = 0; at <= text.length; ) {
    field.lastIndex = at;
    const found = field.exec(text);
    if (found === null) return undefined;
    const [whole, quoted, bare = "", end] = found;
    fields.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
    line += whole.split("\n").length - 1;
    at += whole.length;
    if (end === ",") continue;
    records.push({ line: start, fields });
    [start, fields] = [line, []];
    if (!end?.endsWith("\n")) break;
  }
  return records;
}
