import {
  type Cell,
  type Column,
  divergence,
  percent,
  plainResult,
  type Result,
  type Soundness,
  short,
  type Table,
  tokenNotation,
  warningLines,
} from "@resolvent/analysis";
import type { Precision } from "@resolvent/tensor";
import type { Format } from "./options.ts";
import { bar, csvLine, table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** Places of a bar. */
const BAR = 20;

/** Writes a result in a format: as it is, or as its tables. */
export function writeResult(
  result: Result,
  tables: readonly Table[],
  {
    format,
    precision,
    soundness,
    terminal,
  }: {
    readonly format: Format;
    /** Of the computation: what of a divergence is rounding. */
    readonly precision: Precision;
    /** What is wrong with the result as such. */
    readonly soundness: Soundness;
    readonly terminal: Pick<Terminal, "out" | "show" | "style">;
  },
): void {
  if (format === "table") {
    const pictures = tables
      .filter(saysSomething)
      .map((one) => picture(one, precision, terminal.style));
    terminal.show(pictures.join("\n"));
    for (const line of warningLines(soundness.warnings)) terminal.show(`${line}\n`);
    return;
  }
  const plain = plainResult(result, soundness);
  if (format === "json") {
    terminal.out(`${JSON.stringify(plain, undefined, 2)}\n`);
    return;
  }
  const data = tables.filter(({ view }) => view !== true);
  for (const line of format === "csv" ? csvLines(data) : jsonLines(plain, data)) terminal.out(line);
}

function saysSomething({ rows, footer = [], title, subtitle, notes = [] }: Table): boolean {
  return rows.length + footer.length + notes.length > 0 || (title ?? subtitle) !== undefined;
}

/** The result without what its tables list, then a line for each row. */
function* jsonLines(result: object, tables: readonly Table[]): Generator<string> {
  const fields = tables.map(({ field }) => field);
  const rest = Object.entries(result).filter(([name]) => !fields.includes(name));
  yield `${JSON.stringify(Object.fromEntries(rest))}\n`;
  for (const { kind, field, columns, rows } of tables) {
    const listed = field === undefined ? undefined : result[field as keyof typeof result];
    const entries: readonly object[] = Array.isArray(listed)
      ? listed
      : rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i] ?? null])));
    for (const entry of entries) yield `${JSON.stringify({ kind, ...entry })}\n`;
  }
}

/** The first table, and those with the same columns. */
function* csvLines(tables: readonly Table[]): Generator<string> {
  const [first] = tables;
  if (first === undefined) return;
  const names = first.columns.map(({ name }) => name);
  const alike = tables.filter(
    ({ columns }) => columns.map(({ name }) => name).join() === names.join(),
  );
  const told = alike.length > 1;
  yield csvLine(told ? ["kind", ...names] : names);
  for (const { kind, rows } of alike) {
    for (const row of rows) yield csvLine(told ? [kind, ...row] : row);
  }
}

/** A table as people see it. */
function picture(one: Table, precision: Precision, style: Terminal["style"]): string {
  const { title, subtitle, columns, rows, footer = [], notes = [] } = one;
  const all = [...rows, ...footer];
  const shown = columns.flatMap((column, i) =>
    column.detail === true
      ? []
      : drawn(
          column,
          all.map((row) => row[i] ?? null),
          { rows: rows.length, precision, style },
        ),
  );
  const lines = all.map((_, row) => shown.map(({ cells }) => cells[row] ?? ""));
  const text = shown.length === 0 ? "" : table(shown, lines);
  return [
    ...(title === undefined ? [] : [`${style.bold(title)}\n`]),
    ...(subtitle === undefined ? [] : [`${style.faint(subtitle)}\n`]),
    ...(title === undefined && subtitle === undefined ? [] : ["\n"]),
    // Columns without heads need no line for them.
    shown.every(({ head }) => head === "") ? text.replace(/^\n/, "") : text,
    ...notes.map((note) => `${note}\n`),
  ].join("");
}

interface Drawn {
  readonly head: string;
  readonly right?: boolean;
  readonly cells: readonly string[];
}

/** A column as columns of text: a bar takes two. */
function drawn(
  { name, head = name, kind, missing = "" }: Column,
  cells: readonly Cell[],
  {
    rows,
    precision,
    style,
  }: {
    /** How many of the cells are rows; what follows is the footer. */
    readonly rows: number;
    readonly precision: Precision;
    readonly style: Terminal["style"];
  },
): Drawn[] {
  const figures = (show: (value: number) => string): string[] =>
    cells.map((cell, i) =>
      typeof cell === "number" ? show(cell) : (cell ?? (i < rows ? missing : "")),
    );
  const barred = (least: number, show: (value: number) => string): Drawn[] => {
    const sizes = cells.map((cell) => (typeof cell === "number" ? Math.abs(cell) : 0));
    const largest = sizes.slice(0, rows).reduce((a, b) => Math.max(a, b || 0), least) || 1;
    // A sum that goes beyond all its parts has no bar, so that it does not flatten theirs.
    const bars = cells.map((cell, i) =>
      typeof cell === "number" && (sizes[i] ?? 0) <= largest
        ? style.accent(bar(cell / largest, BAR))
        : "",
    );
    return [
      { head, cells: bars },
      { head: "", right: true, cells: figures(show) },
    ];
  };
  switch (kind) {
    case "text":
      return [{ head, cells: figures(String) }];
    case "shape":
      return [{ head, cells: cells.map((cell) => String(cell ?? "").replaceAll("×", " × ")) }];
    case "token":
      return [
        { head, cells: cells.map((cell) => (cell === null ? "" : tokenNotation(String(cell)))) },
      ];
    case "count":
      return [{ head, right: true, cells: figures(String) }];
    case "number":
      return [{ head, right: true, cells: figures(short) }];
    case "logit":
      return [{ head, right: true, cells: figures((logit) => logit.toFixed(3)) }];
    case "divergence":
      return [{ head, right: true, cells: figures((nats) => divergence(nats, precision)) }];
    case "share":
      return [{ head, right: true, cells: figures(percent) }];
    case "bar":
      return barred(1, percent);
    case "effect":
      return barred(0, short);
  }
}
