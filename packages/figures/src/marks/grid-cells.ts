import type { Cell, Column, Table } from "@resolvent/analysis";
import { refersOf } from "../reading.ts";
import type { Role, Shape } from "../shape.ts";
import { cut, minuses } from "../text.ts";

/** A cell with its upper left corner. */
export interface GridCell {
  readonly row: readonly Cell[];
  readonly x: number;
  readonly y: number;
  readonly number: number;
  /** What it says where it is pointed at. */
  readonly said: string;
  /** What stands in it where there is room. */
  readonly text: string;
}

export interface CellOptions {
  readonly width: number;
  readonly height: number;
  /** The number with the strongest colour. */
  readonly largest: number;
  readonly signed: boolean;
  readonly small: boolean;
  /** About how many cells the whole drawing has. */
  readonly many: number;
  /** Whether texts fit into cells. */
  readonly written: boolean;
  readonly mono: boolean;
  readonly select: string | undefined;
}

/** The strongest colour: what is written on it is still read. */
const FULL = 0.55;
/** Cells with a shape each, at most: beyond, those of a row that look alike are one. */
const EACH = 6000;
/** Steps of colour there. */
const STEPS = 8;
/** A cell fainter than this is not seen. */
const SEEN = 1 / 255;

/** The cells of a grid: colour by sign, strength by size, and what is written in them. */
export function cellShapes(
  table: Table,
  cells: readonly GridCell[],
  options: CellOptions,
): Shape[] {
  const { width, height, largest, signed, small, many, written, mono, select } = options;
  const levelOf = (number: number): number =>
    largest === 0 ? 0 : (FULL * Math.abs(number)) / largest;
  const roleOf = (number: number): Role => (number < 0 ? "against" : signed ? "towards" : "size");
  if (small && many > EACH) return rowShapes(table, cells, options, { levelOf, roleOf });
  const unseen = cells.filter(({ number }) => !small || levelOf(number) >= SEEN);
  return unseen.flatMap(({ row, x, y, number, said, text }): Shape[] => {
    const rect: Shape = {
      ...{ kind: "rect", role: roleOf(number), level: levelOf(number), x, y, width, height },
      ...refersOf(table, row, select),
      says: said,
    };
    const [cx, cy] = [x + width / 2, y + height / 2];
    if (small) return [rect];
    if (written)
      return [
        rect,
        {
          ...{ kind: "text", role: number === 0 ? "faint" : "ink", anchor: "middle", mono },
          ...{ x: cx, y: cy + 4, text: cut(text, width - 2, { mono }) },
        },
      ];
    if (number >= 0 || -number <= largest / 20) return [rect];
    // The sign without its colour.
    return [rect, { kind: "line", role: "ink", x1: cx - 2.5, x2: cx + 2.5, y1: cy, y2: cy }];
  });
}

/** Many cells: those of one line that have about the same colour are one shape, which still refers to its line. */
function rowShapes(
  table: Table,
  cells: readonly GridCell[],
  { width, height }: CellOptions,
  look: { readonly levelOf: (number: number) => number; readonly roleOf: (number: number) => Role },
): Shape[] {
  const alike = new Map<string, { readonly first: GridCell; d: string; step: number }>();
  for (const cell of cells) {
    const step = Math.round((look.levelOf(cell.number) / FULL) * STEPS);
    if (step === 0) continue;
    const key = `${cell.y} ${look.roleOf(cell.number)} ${step}`;
    const own = alike.get(key) ?? { first: cell, d: "", step };
    own.d += `M${px(cell.x)},${px(cell.y)}h${width}v${height}h-${width}z`;
    alike.set(key, own);
  }
  return [...alike.values()].map(({ first, d, step }): Shape => {
    const { node } = refersOf(table, first.row);
    const level = (FULL * step) / STEPS;
    return {
      ...{ kind: "path", role: look.roleOf(first.number), level, d, filled: true },
      ...(node !== undefined && { node }),
    };
  });
}

/** Decimals that numbers of a grid have, all the same: three digits of the largest. */
export function decimalsOf(largest: number, { kind }: Column): number {
  if (kind === "share" || kind === "bar") return largest >= 0.1 ? 0 : 1;
  if (kind === "count" || largest >= 100 || largest === 0) return 0;
  return Math.min(4, 2 - Math.floor(Math.log10(largest)));
}

/** A number in a cell, in so many decimals, without what all have: percent, the 0 before the point. */
export function fixed(value: number, decimals: number, { kind }: Column): string {
  if (Math.abs(value) >= 1e4) return minuses(value.toExponential(0));
  const text = (kind === "share" || kind === "bar" ? 100 * value : value).toFixed(decimals);
  if (Number(text) === 0) return "0";
  return minuses(text).replace(/^(−?)0\./, "$1.");
}

function px(value: number): number {
  return Number(value.toFixed(1));
}
