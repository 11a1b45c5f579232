import type { Cell, Column, Table } from "@resolvent/analysis";
import { didYouMean, nearestNames } from "@resolvent/weights";
import { Option } from "commander";
import { usageError } from "./failure.ts";
import type { Format } from "./options.ts";

/** What `--only`, `--sort` and `--filter` say. */
export interface SelectionOptions {
  readonly only?: string;
  readonly sort?: string;
  readonly filter?: readonly string[];
}

/** The options of which rows are written, and in which order. */
export function selectionOptions(kinds: readonly string[] | undefined): Option[] {
  const only = new Option(
    "--only <table>",
    "write one table of the result, named by what a row is",
  );
  return [
    kinds === undefined ? only : only.choices(kinds),
    new Option(
      "--sort <column>",
      "sort one table, that of --only or the main one, by a column: effect, effect:desc, abs:effect:desc",
    ),
    new Option(
      "--filter <test>",
      "keep the rows that pass, such as degree=2, path:has:L2.H2, abs:effect:gt:0.1; if repeated, all must pass",
    ).argParser((text: string, before: readonly string[] = []) => {
      splitTest(text, (operator) => text.indexOf(operator));
      return [...before, text];
    }),
  ];
}

/**
 * JSON is the result as it is, with all of its parts.
 * @throws InputError `cli/usage` where something is chosen from it
 */
export function checkSelection(format: Format, { only, sort, filter }: SelectionOptions): void {
  if (format !== "json") return;
  const given = [only && "--only", sort && "--sort", filter && "--filter"].find(Boolean);
  if (given === undefined) return;
  throw usageError(
    `${given} chooses from tables, and JSON is the whole result.`,
    "Choose --format ndjson, csv or table.",
  );
}

/** Tests of a value, in the order in which they are looked for. */
const TESTS = {
  "!=": "ne",
  "<=": "le",
  ">=": "ge",
  "=": "eq",
  "<": "lt",
  ">": "gt",
  ":ne:": "ne",
  ":le:": "le",
  ":ge:": "ge",
  ":eq:": "eq",
  ":lt:": "lt",
  ":gt:": "gt",
  ":has:": "has",
} as const;
type Operator = keyof typeof TESTS;
type Test = (typeof TESTS)[Operator];

const isText = ({ kind }: Column): boolean =>
  kind === "text" || kind === "token" || kind === "shape";

/** Which rows of a table are written, in which order, by their indices. */
export type Rows = readonly number[];

/**
 * The rows that pass all tests, in order. Rows without a number come last, whichever way they are sorted.
 *
 * @throws InputError `cli/usage` for a column that the table does not have, and a test that its kind does not allow
 */
export function selectedRows(table: Table, { sort, filter = [] }: SelectionOptions): Rows {
  const passes = filter.map((text) => testOf(table, text));
  const rows = table.rows.flatMap((row, i) => (passes.every((pass) => pass(row)) ? [i] : []));
  if (sort === undefined) return rows;
  const [, expression = "", direction = "asc"] = /^(.*?)(?::(asc|desc))?$/s.exec(sort) ?? [];
  const { at, column, absolute } = columnOf(table, expression, "--sort");
  const sign = direction === "desc" ? -1 : 1;
  const cellOf = (row: number): Cell => table.rows[row]?.[at] ?? null;
  if (isText(column)) {
    const text = (row: number): string => String(cellOf(row) ?? "");
    return rows.toSorted((a, b) => sign * byText.compare(text(a), text(b)));
  }
  const number = (row: number): number => numberOf(cellOf(row), absolute);
  return rows.toSorted((a, b) => {
    const [x, y] = [number(a), number(b)];
    if (Number.isNaN(x) || Number.isNaN(y))
      return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    return x === y ? 0 : sign * (x < y ? -1 : 1);
  });
}

/** Numbers within words by their size: L2.H9 before L2.H10. */
const byText = new Intl.Collator("en", { numeric: true });

function numberOf(cell: Cell, absolute: boolean): number {
  const value = cell === null || cell === "" ? Number.NaN : Number(cell); // large counts are decimal texts
  return absolute ? Math.abs(value) : value;
}

/** A column by its name or head, `abs:` before it for its size without the sign. */
function columnOf(
  table: Table,
  expression: string,
  flag: string,
): { readonly at: number; readonly column: Column; readonly absolute: boolean } {
  const { columns } = table;
  const named = (name: string): number[] => {
    const exact = columns.findIndex((column) => column.name === name);
    if (exact >= 0) return [exact];
    return columns.flatMap(({ head }, i) => (head === name ? [i] : []));
  };
  const whole = named(expression);
  const absolute = whole.length === 0 && expression.startsWith("abs:");
  const found = absolute ? named(expression.slice("abs:".length)) : whole;
  const [at = -1] = found;
  const column = columns[at];
  if (column === undefined || found.length > 1) {
    const near =
      found.length > 1
        ? []
        : nearestNames(
            expression,
            columns.map(({ name }) => name),
          );
    throw usageError(
      found.length > 1
        ? `${flag}: ${found.length} columns of ${table.kind} are headed "${expression}".`
        : `${flag}: ${table.kind} has no column "${expression}".`,
      `${didYouMean(near)}Its columns: ${columns.map(columnText).join(", ")}.`,
    );
  }
  if (absolute && isText(column)) {
    throw usageError(`${flag}: "${column.name}" has words, which have no size.`, "Leave out abs:.");
  }
  return { at, column, absolute };
}

function columnText({ name, head = name }: Column): string {
  return head === name || head === "" ? name : `${name} (${head})`;
}

/** A test in words as a function of a row. */
function testOf(table: Table, text: string): (row: readonly Cell[]) => boolean {
  // Names of columns may have any characters, those of operators too: the longest name that fits is meant.
  const names = table.columns.flatMap(({ name, head }) => [name, ...(head ? [head] : [])]);
  const starts = names
    .flatMap((name) => [name, `abs:${name}`])
    .filter((name) => text.startsWith(name));
  const longest = starts
    .toSorted((a, b) => b.length - a.length)
    .find((name) => OPERATORS.some((operator) => text.startsWith(operator, name.length)));
  const end = longest?.length;
  const { name, operator, value } = splitTest(text, (one) => {
    if (end === undefined) return text.indexOf(one);
    return text.startsWith(one, end) ? end : -1;
  });
  const { at, column, absolute } = columnOf(table, name, "--filter");
  const test = TESTS[operator];
  if (isText(column)) {
    const passes = textTest(test, value);
    if (passes !== undefined) return (row) => passes(String(row[at] ?? ""));
    throw usageError(
      `--filter ${text}: "${column.name}" has words, which are not above or below each other.`,
      `Ask ${column.name}=TEXT, ${column.name}:ne:TEXT or ${column.name}:has:TEXT.`,
    );
  }
  const wanted = value.trim() === "" ? Number.NaN : Number(value);
  if (test === "has" || Number.isNaN(wanted)) {
    throw usageError(
      test === "has"
        ? `--filter ${text}: "${column.name}" has numbers.`
        : `--filter ${text}: "${column.name}" has numbers, got "${value}".`,
      `Ask ${column.name}:gt:0.1, or eq, ne, lt, le, ge.`,
    );
  }
  return (row) => numberTest(test, numberOf(row[at] ?? null, absolute), wanted);
}

function textTest(test: Test, wanted: string): ((text: string) => boolean) | undefined {
  switch (test) {
    case "eq":
      return (text) => text === wanted;
    case "ne":
      return (text) => text !== wanted;
    case "has":
      return (text) => text.includes(wanted);
    default:
      return undefined;
  }
}

/** What is no number passes no test. */
function numberTest(test: Exclude<Test, "has">, number: number, wanted: number): boolean {
  switch (test) {
    case "eq":
      return number === wanted;
    case "ne":
      return !Number.isNaN(number) && number !== wanted;
    case "lt":
      return number < wanted;
    case "le":
      return number <= wanted;
    case "gt":
      return number > wanted;
    case "ge":
      return number >= wanted;
  }
}

const OPERATORS = Object.keys(TESTS) as Operator[]; // its own keys

/** `effect:gt:0.1` in its parts; the operator that comes first, where `find` finds it. */
function splitTest(
  text: string,
  find: (operator: Operator) => number,
): { readonly name: string; readonly operator: Operator; readonly value: string } {
  const [first] = OPERATORS.map((operator) => ({ operator, at: find(operator) }))
    .filter(({ at }) => at > 0)
    .toSorted((a, b) => a.at - b.at); // stable: of those that begin at one place, the longest is first
  if (first === undefined) {
    throw usageError(
      `--filter takes a column, a test and a value, got "${text}".`,
      "Such as degree=2, effect:gt:0.1 (or eq, ne, lt, le, ge, has), or 'effect>0.1'.",
    );
  }
  const { operator, at } = first;
  return { name: text.slice(0, at), operator, value: text.slice(at + operator.length) };
}
