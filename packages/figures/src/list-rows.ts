import type { Cell, ListView, Table } from "@resolvent/analysis";
import { cellText, columnOf, headOf, numberAt, refersOf, shownRows } from "./reading.ts";
import { rounded } from "./rounded.ts";
import type { Refers } from "./shape.ts";
import { type Digits, toleranceOf, unsureIn } from "./unsure.ts";

/** A column of a list as it is shown. */
export interface ListHead {
  readonly name: string;
  readonly text: string;
  /** `words` stand to the left, tokens in letters of one width, numbers to the right. */
  readonly kind: "words" | "token" | "number";
  /** Whether its cells have bars. */
  readonly bar: boolean;
}

/** A cell of a list as it is shown. */
export interface ListCell extends Digits {
  /** How long its bar is, of the longest, with its sign: −1 to 1; null for none. */
  readonly bar: number | null;
}

export interface ListRow extends Refers {
  readonly cells: readonly ListCell[];
}

/** A list, ready to be shown by whoever has tables of its own: a page that is not drawn. */
export interface ListRows {
  readonly heads: readonly ListHead[];
  readonly rows: readonly ListRow[];
  /** How many rows the view leaves out. */
  readonly more: number;
  /** What is in no row, where the view has it. */
  readonly rest: ListRow | undefined;
  readonly footer: readonly ListRow[];
}

/** The rows of a list as texts and lengths of bars, by the rules of `layout`; undefined where its table is not there. */
export function listRows(view: ListView, tables: readonly Table[]): ListRows | undefined {
  const found = tables.find(({ kind }) => kind === view.table);
  if (found === undefined) return undefined;
  const table = rounded(found);
  const columns = view.columns.flatMap((name) => columnOf(table, name) ?? []);
  const shown = shownRows(table, view.most);
  const scales = columns.map(({ at, column }) =>
    column.kind === "effect" || column.kind === "bar"
      ? shown.reduce(
          (most, row) => Math.max(most, Math.abs(numberAt(row, at) ?? 0)),
          column.kind === "bar" ? 1 : 0,
        )
      : 0,
  );
  const tolerances = columns.map((found) => toleranceOf(table, found));
  const rowOf = (row: readonly Cell[]): ListRow => ({
    ...refersOf(table, row, view.select),
    cells: columns.map(({ at, column }, i) => {
      const value = numberAt(row, at);
      const scale = scales[i] ?? 0;
      const text = cellText(row[at] ?? null, column);
      return {
        text,
        unsure: value === null ? undefined : unsureIn(text, tolerances[i] ?? 0),
        // What is beyond the rows' scale, as a sum of them, has no bar.
        bar: value === null || scale === 0 || Math.abs(value) > scale ? null : value / scale,
      };
    }),
  });
  return {
    heads: columns.map(({ column }, i) => ({
      name: column.name,
      text: headOf(column),
      kind:
        column.kind === "token"
          ? "token"
          : column.kind === "text" || column.kind === "shape"
            ? "words"
            : "number",
      bar: (scales[i] ?? 0) > 0,
    })),
    rows: shown.map(rowOf),
    more: table.rows.length - shown.length,
    rest: view.rest === true && table.rest !== undefined ? rowOf(table.rest) : undefined,
    footer: (table.footer ?? []).map(rowOf),
  };
}
