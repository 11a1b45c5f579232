import {
  type Cell,
  type Column,
  divergence,
  percent,
  short,
  type Table,
  tokenNotation,
} from "@resolvent/analysis";
import type { Precision } from "@resolvent/tensor";
import { bar, barScale } from "./bars.ts";
import { blocksOf, type FittingColumn, fitted } from "./fit.ts";
import { wrapped } from "./places.ts";
import { table } from "./table.ts";
import { harmless, type Terminal } from "./terminal.ts";

/** Places of a bar, and where there is little room. */
const BAR = { wide: 20, narrow: 10 } as const;

export interface PictureOptions {
  /** Of the computation: what of a divergence is rounding. */
  readonly precision: Precision;
  readonly style: Terminal["style"];
  /** Places of a line; undefined for as many as it takes. */
  readonly columns: number | undefined;
}

/** A table as people see it. */
export function picture(one: Table, options: PictureOptions): string {
  const { style, columns: width } = options;
  const { title, subtitle, notes = [] } = one;
  const { drawn, rounded } = columnsOf(one, options);
  const blocks = one.matrix === true ? blocksOf(drawn, width) : [drawn];
  const fits = blocks.map((block) => fitted(block, width));
  const texts = fits.map(({ columns }) => {
    const [first] = columns;
    if (first === undefined) return "";
    const lines = first.cells.map((_, row) => columns.map(({ cells }) => cells[row] ?? ""));
    const text = table(columns, lines);
    // Columns without heads need no line for them.
    return columns.every(({ head }) => head === "") ? text.replace(/^\n/, "") : text;
  });
  const line = (text: string): string => `${wrapped(text, width)}\n`;
  return [
    ...(title === undefined ? [] : [style.bold(wrapped(title, width)), "\n"]),
    ...(subtitle === undefined ? [] : [style.faint(wrapped(subtitle, width)), "\n"]),
    ...(title === undefined && subtitle === undefined ? [] : ["\n"]),
    texts.join("\n"),
    ...left(one.kind, fits).map((note) => `${style.faint(wrapped(note, width))}\n`),
    ...[...rounded].map((limit) => line(`0: less than ${short(limit)}, which is rounding`)),
    ...notes.map(line),
  ].join("");
}

/** What there was no room for, in a line. */
function left(kind: string, fits: readonly ReturnType<typeof fitted>[]): string[] {
  const dropped = fits.flatMap((fit) => fit.dropped);
  const cut = fits.reduce((sum, fit) => sum + fit.cut, 0);
  const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
  const names = dropped.filter((head) => head !== "").join(" | ");
  const parts = [
    ...(dropped.length === 0 ? [] : [`${count(dropped.length, "column")} left out: ${names}`]),
    ...(cut === 0 ? [] : [`${count(cut, "text")} shortened`]),
  ];
  if (parts.length === 0) return [];
  return [`(${parts.join("; ")}; a wider terminal or --only ${kind} --format csv has all)`];
}

/** The columns that people see, drawn, and the sizes below which rounding was made 0. */
function columnsOf(
  one: Table,
  options: PictureOptions,
): { readonly drawn: readonly FittingColumn[]; readonly rounded: ReadonlySet<number> } {
  const { columns, rows, shown = rows.length, rest, footer = [], rounding = 0 } = one;
  const seen = rows.slice(0, shown);
  const all = [...seen, ...(rest === undefined ? [] : [rest]), ...footer];
  const rounded = new Set<number>();
  const drawn = columns.flatMap((column, i) => {
    if (column.detail === true) return [];
    const cells = all.map((row): Cell => {
      const cell = row[i] ?? null;
      if (column.kind !== "number" && column.kind !== "effect") return cell;
      // What is no number is not rounding.
      const limit = column.rounding ?? rounding;
      const tiny = typeof cell === "number" && cell !== 0 && Math.abs(cell) < limit;
      if (!tiny) return cell;
      rounded.add(limit);
      return 0;
    });
    const made = drawnColumn(column, cells, seen.length, options);
    return column.minor === true ? made.map((one) => ({ ...one, leave: "first" as const })) : made;
  });
  return { drawn, rounded };
}

/** A column as columns of text: a bar takes two. */
function drawnColumn(
  { name, head = name, kind, missing = "" }: Column,
  cells: readonly Cell[],
  /** How many of the cells are rows; what follows is below them. */
  rows: number,
  { precision, style }: PictureOptions,
): FittingColumn[] {
  const title = inLine(head);
  const texts = (show: (text: string) => string): string[] =>
    cells.map((cell) => (cell === null ? "" : show(String(cell))));
  const figures = (show: (value: number) => string): FittingColumn => ({
    head: title,
    right: true,
    cells: cells.map((cell, i) =>
      typeof cell === "number" ? show(cell) : inLine(cell ?? (i < rows ? missing : "")),
    ),
  });
  const barred = (least: number, show: (value: number) => string): FittingColumn[] => {
    const numbers = cells.map((cell) => (typeof cell === "number" ? cell : Number.NaN));
    const sizes = numbers.map((number) => Math.abs(number) || 0);
    const largest = sizes.slice(0, rows).reduce((a, b) => Math.max(a, b), least) || 1;
    // A sum that goes beyond all its parts has no bar, so that it does not flatten theirs.
    const barredNumbers = numbers.map((number) =>
      Math.abs(number) <= largest ? number : undefined,
    );
    const bars = (width: number): string[] => {
      const scale = barScale(
        barredNumbers.filter((number) => number !== undefined),
        { width, least },
      );
      return barredNumbers.map((number) =>
        number === undefined ? "" : style.accent(bar(number, scale)),
      );
    };
    return [
      { head: title, cells: bars(BAR.wide), narrow: bars(BAR.narrow), leave: "last" },
      { ...figures(show), head: "", joined: true },
    ];
  };
  switch (kind) {
    // Words say what a row is about, and bars what is asked.
    case "text":
      return [{ head: title, words: true, leave: "last", cells: texts(inLine) }];
    case "shape":
      return [{ head: title, cells: texts((text) => text.replaceAll("×", " × ")) }];
    case "token":
      return [{ head: title, words: true, leave: "last", cells: texts(quoted) }];
    case "count":
      return [figures(String)];
    case "number":
      return [figures(short)];
    case "logit":
      return [figures((logit) => logit.toFixed(3))];
    case "divergence":
      return [figures((nats) => divergence(nats, precision))];
    case "share":
      return [figures(percent)];
    case "bar":
      return barred(1, percent);
    case "effect":
      return barred(0, short);
  }
}

function quoted(text: string): string {
  return inLine(tokenNotation(text));
}

/** A text that takes the places it seems to take: control characters spelled out, line ends and tabs too. */
function inLine(text: string): string {
  return harmless(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}
