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
}

/** Columns that fit, and what that took. */
export interface Fitted {
  readonly columns: readonly FittingColumn[];
  /** Heads of columns that are left out. */
  readonly dropped: readonly string[];
  /** How many cells are shortened. */
  readonly cut: number;
}

/** Places that words are left before columns are left out for them. */
const LEAST_WORDS = 20;

/**
 * Columns for so many places: bars become shorter, then words are shortened, then columns are left out, the last ones
 * first; the first stays.
 */
export function fitted(columns: readonly FittingColumn[], width: number | undefined): Fitted {
  if (width === undefined || total(columns) <= width) return { columns, dropped: [], cut: 0 };
  let kept = columns.map((column) =>
    column.narrow === undefined ? column : { ...column, cells: column.narrow },
  );
  const dropped: string[] = [];
  for (;;) {
    const excess = total(kept) - width;
    const spare = kept.reduce((sum, column) => sum + Math.max(0, spareOf(column, LEAST_WORDS)), 0);
    const last = kept.findLastIndex(({ joined }) => joined !== true);
    if (spare >= excess || last === 0) {
      const least = spare >= excess ? LEAST_WORDS : 1;
      const shorter = shorten(kept, Math.max(0, excess), least);
      return { ...shorter, dropped };
    }
    dropped.unshift(kept[last]?.head ?? "");
    kept = kept.slice(0, last);
  }
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

function spareOf(column: FittingColumn, least: number): number {
  return column.words === true ? widthOf(column) - least : 0;
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
    return { ...column, head: shortened(column.head, most), cells };
  });
  return { columns: shorter, cut };
}
