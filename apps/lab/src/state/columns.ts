/** Percents that the columns of a grid have of its width. */
export type Columns = readonly number[];

/** Percents that a column has at least. */
export const LEAST = 12;

/** Columns as wide as these parts say. */
export function columnsOf(parts: readonly number[]): Columns {
  const all = parts.reduce((sum, part) => sum + part, 0);
  return parts.map((part) => (100 * part) / all);
}

/** How far along both of its columns the border after column `at` is, in percent. */
export function borderOf(columns: Columns, at: number): number {
  const [a = 0, b = 0] = columns.slice(at, at + 2);
  return (100 * a) / (a + b);
}

/** Columns whose border after column `at` stands so far along both, as far as they may go. */
export function moved(columns: Columns, at: number, to: number): Columns {
  const [a = 0, b = 0] = columns.slice(at, at + 2);
  const [low, high] = [LEAST, a + b - LEAST];
  const left = Math.max(low, Math.min(high, ((a + b) * to) / 100));
  return columns.map((own, i) => (i === at ? left : i === at + 1 ? a + b - left : own));
}

/** Columns as they were stored; undefined where these are not as many, or none at all. */
export function storedColumns(text: string | null, many: number): Columns | undefined {
  const parts = (text ?? "").split(" ").map(Number);
  const fits = parts.length === many && parts.every((part) => part >= LEAST - 1 && part <= 100);
  return fits ? columnsOf(parts) : undefined;
}

/** The same, to be stored. */
export function columnsText(columns: Columns): string {
  return columns.map((part) => part.toFixed(2)).join(" ");
}
