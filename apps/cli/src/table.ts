/** A column of a table: its head, and whether its cells stand to the right. */
export interface Column {
  readonly head: string;
  readonly right?: boolean;
}

/** Rows as aligned text, two spaces between columns; widths are places in a terminal, without styles. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const all = [columns.map((column) => column.head), ...rows];
  const widths = columns.map((_, i) => Math.max(...all.map((row) => visible(row[i] ?? ""))));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => {
        const fill = " ".repeat(Math.max(0, (widths[i] ?? 0) - visible(cell)));
        return columns[i]?.right ? fill + cell : cell + fill;
      })
      .join("  ")
      .trimEnd();
  return `${all.map(line).join("\n")}\n`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal styles are control characters
const styles = /\u001b\[\d+m/g;

/** Characters that take no room of their own, and those that take two places. */
const joined = /[\p{Mn}\p{Me}\p{Cf}]/u;
const wide =
  /[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;

/** Places that a text takes in a terminal. */
function visible(text: string): number {
  let width = 0;
  for (const char of text.replace(styles, ""))
    width += joined.test(char) ? 0 : wide.test(char) ? 2 : 1;
  return width;
}

/** A bar of `width` characters for a share from −1 to 1, in eighths; what is negative is drawn hollow. */
export function bar(share: number, width: number): string {
  const eighths = Math.min(width * 8, Math.round(Math.abs(share) * width * 8));
  const whole = Math.floor(eighths / 8);
  if (share < 0) return "░".repeat(Math.ceil(eighths / 8)).padEnd(width);
  const part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8] ?? "";
  return ("█".repeat(whole) + part).padEnd(width);
}

/** Bytes in binary units. */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  const unit =
    count >= 2 ** 30
      ? (["GiB", 2 ** 30] as const)
      : count >= 2 ** 20
        ? (["MiB", 2 ** 20] as const)
        : (["KiB", 2 ** 10] as const);
  return `${(count / unit[1]).toFixed(1)} ${unit[0]}`;
}

/** Values as one line of CSV (RFC 4180). */
export function csvLine(values: readonly (string | number | null)[]): string {
  const cell = (value: string | number | null): string => {
    const text = value === null ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${values.map(cell).join(",")}\n`;
}
