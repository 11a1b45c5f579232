/** Tokens that share a column: one, or all that stand together, with its left edge and its width in pixels. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly x: number;
  readonly width: number;
}

export interface SpanOptions {
  /** Pixels for all of them. */
  readonly room: number;
  /** Of a token at least. */
  readonly column: number;
  /** Of tokens that stand together. */
  readonly band: number;
  /** Whether each has a column of its own, whatever room there is; default false. */
  readonly open?: boolean;
}

/**
 * A column for each token where there is room; else runs of two and more that are not `touched` share a band, and what
 * is left of the room goes to the others.
 */
export function spansOf(
  count: number,
  touched: ReadonlySet<number>,
  { room, column, band, open = false }: SpanOptions,
): readonly Span[] {
  const each = open || count * column <= room;
  const ends: { from: number; to: number }[] = [];
  for (let pos = 0; pos < count; pos++) {
    const last = ends.at(-1);
    const joins = !each && !touched.has(pos) && last !== undefined && !touched.has(last.to);
    if (joins) last.to = pos;
    else ends.push({ from: pos, to: pos });
  }
  const bands = ends.filter(({ from, to }) => from < to).length;
  const own = Math.max(column, (room - bands * band) / Math.max(1, ends.length - bands));
  let x = 0;
  return ends.map(({ from, to }) => {
    const width = from < to ? band : own;
    x += width;
    return { from, to, x: x - width, width };
  });
}
