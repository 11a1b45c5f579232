import { shortened } from "./places.ts";
import { type Column, GAP, widest } from "./table.ts";

/** A column of a table that may have to become narrower. */
export interface FittingColumn extends Column {
  readonly cells: readonly string[];
  /** Cells that take less room and say the same. */
  readonly narrow?: readonly string[];
  /** Whether its cells, words, may be shortened. */
  readonly words?: boolean;
  /** Stands and falls with the column before it: a number beside its bar. */
  readonly joined?: boolean;
  /** How soon it is left out where there is no room: `first`, or only after all others. */
  readonly leave?: "first" | "last";
}

/** Columns that fit, and what that took. */
export interface Fitted {
  readonly columns: readonly FittingColumn[];
  /** Heads of columns that are left out. */
  readonly dropped: readonly string[];
  /** How many cells and heads are shortened. */
  readonly cut: number;
}

/** Places that words are left before columns are left out for them, and before the main ones are. */
const LEAST_WORDS = { before: 20, last: 8 } as const;

/**
 * Columns for so many places: bars become shorter, then words are shortened, then columns are left out, from the
 * right; the first stays.
 */
export function fitted(columns: readonly FittingColumn[], width: number | undefined): Fitted {
  if (width === undefined || total(columns) <= width) return { columns, dropped: [], cut: 0 };
  let kept = columns.map((column) =>
    column.narrow === undefined ? column : { ...column, cells: column.narrow },
  );
  let places = columns.map((_, i) => i);
  const dropped = new Set<number>();
  for (;;) {
    const excess = total(kept) - width;
    const out = leftOut(kept);
    const before = out !== undefined && kept[out]?.leave !== "last";
    const least = out === undefined ? 1 : LEAST_WORDS[before ? "before" : "last"];
    if (out === undefined || spareOf(kept, least) >= excess) {
      const heads = columns.flatMap(({ head }, i) => (dropped.has(i) ? [head] : []));
      return { ...shorten(kept, excess, least), dropped: heads };
    }
    dropped.add(places[out] ?? 0);
    const next = kept.findIndex(({ joined }, i) => i > out && joined !== true);
    const stays = (_: unknown, i: number): boolean => i < out || (next >= 0 && i >= next);
    kept = kept.filter(stays);
    places = places.filter(stays);
  }
}

/** The column that is left out next; undefined where only the first is there. */
function leftOut(columns: readonly FittingColumn[]): number | undefined {
  for (const when of ["first", undefined, "last"] as const) {
    const last = columns.findLastIndex(
      ({ joined, leave }, i) => i > 0 && joined !== true && leave === when,
    );
    if (last > 0) return last;
  }
  return undefined;
}

/** Columns of a matrix, whose first names the rows, in blocks that fit. */
export function blocksOf(
  columns: readonly FittingColumn[],
  width: number | undefined,
): readonly (readonly FittingColumn[])[] {
  const [names, ...others] = columns;
  if (names === undefined || width === undefined || total(columns) <= width) return [columns];
  const blocks: FittingColumn[][] = [];
  for (const column of others) {
    const block = blocks.at(-1);
    if (block !== undefined && total([...block, column]) <= width) block.push(column);
    else blocks.push([names, column]);
  }
  return blocks;
}

function widthOf({ head, cells }: FittingColumn): number {
  return widest([head, ...cells]);
}

function total(columns: readonly FittingColumn[]): number {
  return columns.reduce((sum, column) => sum + widthOf(column) + GAP, -GAP);
}

/** Places that words can give away. */
function spareOf(columns: readonly FittingColumn[], least: number): number {
  return columns.reduce(
    (sum, column) => sum + (column.words === true ? Math.max(0, widthOf(column) - least) : 0),
    0,
  );
}

/** Takes places from the widest words until so many are gone. */
function shorten(
  columns: readonly FittingColumn[],
  excess: number,
  least: number,
): Pick<Fitted, "columns" | "cut"> {
  const widths = columns.map(widthOf);
  for (let left = excess; left > 0; left--) {
    const widest = columns.reduce(
      (best, column, i) =>
        column.words === true && (widths[i] ?? 0) > Math.max(least, widths[best] ?? 0) ? i : best,
      -1,
    );
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  let cut = 0;
  const shorter = columns.map((column, i) => {
    const most = widths[i] ?? 0;
    if (most === widthOf(column)) return column;
    const cells = column.cells.map((cell) => {
      const short = shortened(cell, most);
      if (short !== cell) cut++;
      return short;
    });
    const head = shortened(column.head, most);
    if (head !== column.head) cut++;
    return { ...column, head, cells };
  });
  return { columns: shorter, cut };
}
