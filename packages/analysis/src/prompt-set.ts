import { certificateLine } from "./certificate.ts";
import { inputLine, promptText, type Result, type TokenFacts } from "./result.ts";
import type { ComputedResult } from "./result-head.ts";
import { type RunningSpread, type Spread, spreadOf } from "./spread.ts";
import type { Cell, Column, ColumnKind, Table } from "./table.ts";

/** An analysis of each of several prompts, and means over them: plain data. */
export interface PromptSet extends ComputedResult<"prompt-set"> {
  /** The analysis: `expand`. */
  readonly analysis: string;
  /** What was analysed, in the order of the file. */
  readonly prompts: readonly {
    /** Where it stands in the file, from 1. */
    readonly line: number;
    readonly tokens: readonly TokenFacts[];
  }[];
  /** How intervals are made: 95 % intervals of means over prompts, by Student's t. */
  readonly interval: { readonly level: 0.95; readonly method: "student-t" };
  /** Lines of prompts of which a certificate is above its tolerance. */
  readonly aboveTolerance: readonly number[];
  /** The tables of the analysis, with means over prompts in place of numbers. */
  readonly means: readonly SetTable[];
  /** The result of each prompt; null where that was not asked for. */
  readonly each: readonly Result[] | null;
}

/** A table of an analysis over several prompts. */
export interface SetTable {
  /** That of the analysis: `degree-term`. */
  readonly kind: string;
  /** Null where it says something of one prompt. */
  readonly title: string | null;
  /** Rows that people see; null for all. */
  readonly shown: number | null;
  /** Whether it is for data formats only. */
  readonly data: boolean;
  /** What names its rows. */
  readonly keys: readonly Column[];
  /** What there is a mean of. */
  readonly measures: readonly Column[];
  /** In the order in which they were met first; lists by effect by the size of their mean. */
  readonly rows: readonly SetRow[];
  /** What is in no row, as one more; null where there is none. */
  readonly rest: SetRow | null;
}

/** A row over several prompts. */
export interface SetRow {
  readonly keys: readonly Cell[];
  /** By measure; null where no prompt has a number. */
  readonly values: readonly (Spread | null)[];
  /** Prompts whose table has the row. */
  readonly count: number;
}

/** Lines that a note names at most. */
const LINES_NAMED = 5;
/** Kinds of columns that name a row, where they come before all numbers. */
const NAMING: readonly ColumnKind[] = ["text", "shape", "token", "count"];
/** A row on its way: numbers of all prompts that have it. */
interface Gathering {
  readonly keys: readonly Cell[];
  /** By measure. */
  readonly values: readonly RunningSpread[];
  count: number;
}

interface Gathered {
  readonly table: Table;
  title: string | null;
  readonly rows: Map<string, Gathering>;
  rest: Gathering | undefined;
}

interface SetRowsOptions {
  readonly single: readonly string[];
  readonly seen: readonly string[];
  /** How numbers become a mean with its interval; default all are kept until the end. */
  readonly gather?: () => RunningSpread;
  /** Different rows of a table at most; default any. */
  readonly mostRows?: number;
}

function keptSpread(): RunningSpread {
  const values: number[] = [];
  return {
    add: (value) => {
      values.push(value);
    },
    spread: () => (values.length === 0 ? null : spreadOf(values)),
  };
}

/** Gathers the tables of results of several prompts, row by row, but those of the kinds `single`; people see `seen`. */
export function setRows({
  single,
  seen,
  gather = keptSpread,
  mostRows = Number.POSITIVE_INFINITY,
}: SetRowsOptions): {
  add(tables: readonly Table[]): void;
  tables(): SetTable[];
  /** Rows of prompts that are in none, because there were `mostRows` before. */
  left(): number;
} {
  let left = 0;
  const found = new Map<string, Gathered>();
  const addTable = (table: Table): void => {
    const title = table.title ?? null;
    const shown = seen.includes(table.kind) ? { ...table, data: false } : table;
    const own = found.get(table.kind) ?? { table: shown, title, rows: new Map(), rest: undefined };
    found.set(table.kind, own);
    if (own.title !== title) own.title = null;
    const { keys, measures } = placesOf(table.columns);
    const gathering = (names: readonly Cell[]): Gathering => ({
      ...{ keys: names, values: measures.map(gather), count: 0 },
    });
    const put = (into: Gathering, row: readonly Cell[]): void => {
      into.count++;
      measures.forEach((at, m) => {
        const cell = row[at];
        if (typeof cell === "number") into.values[m]?.add(cell);
      });
    };
    for (const row of table.rows) {
      const names = keys.map((at) => row[at] ?? null);
      const key = JSON.stringify(names);
      const known = own.rows.get(key);
      if (known === undefined && own.rows.size >= mostRows) {
        left++;
        continue;
      }
      const into = known ?? gathering(names);
      own.rows.set(key, into);
      put(into, row);
    }
    if (table.rest === undefined) return;
    // How many a rest stands for differs from prompt to prompt.
    own.rest ??= gathering(keys.map((_, i) => (i === 0 ? "rest" : null)));
    put(own.rest, table.rest);
  };
  return {
    add: (tables) => {
      for (const table of tables) {
        if (table.view !== true && !single.includes(table.kind)) addTable(table);
      }
    },
    tables: () => [...found.values()].map(tableOf).filter(({ measures }) => measures.length > 0),
    left: () => left,
  };
}

/** Columns before the first number name a row; of the others, numbers have a mean. */
function placesOf(columns: readonly Column[]): { keys: number[]; measures: number[] } {
  // What is for views alone has no means.
  const places = columns.flatMap(({ view, detail }, at) => (view && detail ? [] : [at]));
  const isName = (at: number): boolean => NAMING.includes(columns[at]?.kind ?? "text");
  const measures = places.filter((at) => !isName(at));
  const first = measures[0] ?? columns.length;
  // How many of something a row stands for is no part of its name.
  const keys = places.filter((at) => at < first && (at === 0 || columns[at]?.name !== "count"));
  return { keys, measures };
}

function tableOf({ table, title, rows, rest }: Gathered): SetTable {
  const { keys, measures } = placesOf(table.columns);
  const columns = (places: readonly number[]): Column[] =>
    places.flatMap((at) => table.columns[at] ?? []);
  return {
    kind: table.kind,
    ...{ title, shown: table.shown ?? null, data: table.data === true },
    keys: columns(keys),
    measures: columns(measures),
    rows: inOrder(columns(measures), [...rows.values()].map(rowOf)),
    rest: rest === undefined ? null : rowOf(rest),
  };
}

function rowOf({ keys, values, count }: Gathering): SetRow {
  return { keys, values: values.map((own) => own.spread()), count };
}

/** Lists by effect go by the mean effect, the largest first; others, by degree, as they are. */
function inOrder([first]: readonly Column[], rows: readonly SetRow[]): readonly SetRow[] {
  const byEffect = first?.kind === "effect" && typeof rows[0]?.keys[0] === "string";
  if (!byEffect) return rows;
  const size = ({ values }: SetRow): number => Math.abs(values[0]?.mean ?? 0);
  return [...rows].sort((a, b) => size(b) - size(a));
}

/** What people see of a set: the tables of its analysis with means and half-widths of intervals, and its prompts. */
export function setTables(set: PromptSet): Table[] {
  const { model, prompts } = set;
  const [first] = prompts;
  const tables = meanTables(set.means, {
    total: prompts.length,
    ...(first !== undefined && {
      subtitle: subtitleOf(inputLine(model, first.tokens), prompts.length),
    }),
    notes: certificateNotes(set),
  });
  return [...tables, promptTable(set)];
}

/** What is said around means over prompts. */
interface Around {
  /** Prompts. */
  readonly total: number;
  /** Of the first table: what was analysed. */
  readonly subtitle?: string;
  /** Of the first table, at its end. */
  readonly notes: readonly string[];
}

/** Means over prompts as tables, with half-widths of intervals. */
export function meanTables(means: readonly SetTable[], around: Around): Table[] {
  // What is to be said of all stands with the first that people see.
  const first = Math.max(
    0,
    means.findIndex(({ data }) => !data),
  );
  return means.map((table, i) =>
    meanTable(table, i === first ? around : { total: around.total, notes: [] }),
  );
}

function meanTable(table: SetTable, { total, subtitle, notes }: Around): Table {
  const { keys, measures, rows, rest, shown, data } = table;
  const partly = rows.some(({ count }) => count < total);
  return {
    kind: `${table.kind}-mean`,
    replaces: "means",
    ...(data && { data }),
    ...(shown !== null && { shown }),
    title: `${table.title ?? wordsOf(table.kind)}: means over ${total} prompts`,
    ...(subtitle !== undefined && { subtitle }),
    columns: [
      ...keys,
      ...measures.flatMap((column): Column[] => [
        {
          ...column,
          kind: column.kind === "bar" ? "share" : column.kind === "effect" ? "number" : column.kind,
          missing: "–",
        },
        {
          name: `${column.name}Half`,
          head: "±",
          kind: halfKind(column.kind),
          missing: "–",
          detail: column.detail === true,
          view: true,
        },
        { name: `${column.name}Low`, kind: "number", detail: true },
        { name: `${column.name}High`, kind: "number", detail: true },
      ]),
      { name: "prompts", kind: "count", detail: !partly },
    ],
    rows: rows.map(cellsOf),
    ...(rest !== null && { rest: cellsOf(rest) }),
    notes: [
      `± is half the 95 % interval of the mean over prompts (Student's t)${total < 2 ? ", which one prompt does not have" : ""}`,
      ...(partly
        ? [
            `a row that not every prompt has is the mean over those that have it: see prompts, of ${total}`,
          ]
        : []),
      ...notes,
    ],
  };
}

/** The kind of rows in words: `score-pair` as `Score pair`. */
function wordsOf(kind: string): string {
  return kind.charAt(0).toUpperCase() + kind.slice(1).replaceAll("-", " ");
}

function certificateNotes({
  certificate,
  aboveTolerance,
  prompts,
  precision,
}: PromptSet): string[] {
  if (certificate === null) return [];
  const { length } = aboveTolerance;
  return [
    certificateLine(`the worst of ${prompts.length} prompts`, certificate, { precision }),
    ...(length === 0
      ? []
      : [
          `${length} of ${prompts.length} prompts ${length === 1 ? "is" : "are"} above the tolerance: line ${aboveTolerance.slice(0, LINES_NAMED).join(", ")}${length > LINES_NAMED ? ", …" : ""}`,
        ]),
  ];
}

function cellsOf({ keys, values, count }: SetRow): Cell[] {
  return [
    ...keys,
    ...values.flatMap((spread): Cell[] => {
      if (spread === null) return [null, null, null, null];
      const { mean, low, high } = spread;
      return [mean, high === null ? null : high - mean, low, high];
    }),
    count,
  ];
}

function subtitleOf(line: string, total: number): string {
  const more = total > 1 ? `, and ${total - 1} more` : "";
  return `${line}${more}`;
}

function halfKind(kind: ColumnKind): ColumnKind {
  return kind === "share" || kind === "bar" ? "share" : kind === "logit" ? "logit" : "number";
}

function promptTable({ prompts }: PromptSet): Table {
  return {
    kind: "prompt",
    field: "prompts",
    data: true,
    columns: [
      { name: "line", kind: "count" },
      { name: "tokens", kind: "count" },
      { name: "text", kind: "text" },
    ],
    rows: prompts.map(({ line, tokens }) => [line, tokens.length, promptText(tokens)]),
  };
}
