import { places } from "./places.ts";

/** A column of a table: its head, and whether its cells stand to the right. */
export interface Column {
  readonly head: string;
  readonly right?: boolean;
}

/** Between two columns. */
export const GAP = 2;

/** Rows as aligned text, two spaces between columns; widths are places in a terminal, without styles. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const all = [columns.map((column) => column.head), ...rows];
  const widths = columns.map((_, i) => widest(all.map((row) => row[i] ?? "")));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => {
        const fill = " ".repeat(Math.max(0, (widths[i] ?? 0) - places(cell)));
        return columns[i]?.right ? fill + cell : cell + fill;
      })
      .join(" ".repeat(GAP))
      .trimEnd();
  return `${all.map(line).join("\n")}\n`;
}

/** Places of the longest of some texts. */
export function widest(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, places(text)), 0);
}
