import type { Cell, Column } from "./table.ts";

/** A rest for data: words where rows have numbers are for people. */
export function restForData(columns: readonly Column[], rest: readonly Cell[]): Cell[] {
  return columns.map(({ kind }, i) => {
    const cell = rest[i] ?? null;
    const words = kind === "text" || kind === "token" || kind === "shape";
    return typeof cell === "string" && !words ? null : cell;
  });
}
