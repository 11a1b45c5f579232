import {
  type Engine,
  inChunks,
  type Shaped,
  STACK_MEMORY,
  sizeAlong,
  using,
} from "@resolvent/tensor";

/** What each of some rows has most of, row by row. */
export interface TopRow {
  readonly index: number;
  readonly value: number;
}

/** The largest entries of a row, and the most negative ones. */
export interface TopEnds {
  /** By falling value. */
  readonly most: readonly TopRow[];
  /** By rising value. */
  readonly least: readonly TopRow[];
}

export interface TopOptions {
  /** Entries of a row; default 5. */
  readonly top?: number;
  /** Bytes that rows may take at a time; default 512 MiB. */
  readonly memory?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The ends of the rows of a matrix that is made for some features at a time, `from, AXIS` in any memory order: what is
 * not among them never leaves the engine.
 *
 * @param size entries of a row
 */
export async function topEnds<T extends Shaped>(
  engine: Engine<T>,
  features: readonly number[],
  {
    axis,
    size,
    make,
  }: {
    readonly axis: string;
    readonly size: number;
    readonly make: (features: readonly number[]) => T;
  },
  { top = 5, memory = STACK_MEMORY, signal }: TopOptions = {},
): Promise<TopEnds[]> {
  const each = Math.min(top, size);
  if (each === 0) return features.map(() => ({ most: [], least: [] }));
  const width = engine.precision === "f32" ? 4 : 8;
  const bytes = ({ length }: readonly unknown[]): number => 4 * length * size * width; // a product, scaled, its negative, one to spare
  const ends: TopEnds[] = [];
  for (const chunk of inChunks(features, memory, bytes, 1)) {
    signal?.throwIfAborted();
    const both = (): { readonly above: T; readonly below: T } =>
      engine.scope(() => {
        const above = engine.arrange(make(chunk), ["from", axis]);
        return { above, below: engine.scale(above, -1) };
      });
    await using(engine, both, async ({ above, below }) => {
      const most = await engine.top(above, axis, each);
      const least = await engine.top(below, axis, each);
      const rowOf = ({ indices, values }: typeof most, row: number, sign: number): TopRow[] =>
        Array.from({ length: each }, (_, i) => ({
          index: indices.data[row * each + i] as number, // so many a row
          value: sign * (values.data[row * each + i] as number),
        }));
      const rows = sizeAlong(above.shape, "from", "topEnds");
      for (let row = 0; row < rows; row++) {
        ends.push({ most: rowOf(most, row, 1), least: rowOf(least, row, -1) });
      }
    });
  }
  return ends;
}

/** The entries of a row that are largest in size, of either sign; of equal ones the first. */
export function largestOf({ most, least }: TopEnds, count: number): TopRow[] {
  const all = new Map([...most, ...least].map((one) => [one.index, one]));
  return [...all.values()]
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value) || a.index - b.index)
    .slice(0, count);
}
