import { drawingFor, shuffled } from "./seed.ts";
import { noTokens, type VectorSource } from "./vectors.ts";

/** Where a shuffle buffer stands: enough to go on from it, with the vectors computed anew. */
export interface BufferState {
  /** How often it has been filled. */
  readonly round: number;
  /** How many texts have been read, over all epochs. */
  readonly read: number;
  /** Text and position of each row that is yet to come, in the order in which they come. */
  readonly origins: Int32Array;
}

/** Rows on the host. */
export interface HostRows {
  readonly rows: number;
  readonly input: Float64Array;
  /** Of a transcoder. */
  readonly target: Float64Array | undefined;
}

/**
 * Vectors of texts in shuffled order: a buffer is filled from texts in the shuffled order of their epoch, mixed, served
 * until half of it is left, and filled up again. What comes depends on the seed and the texts alone.
 */
export interface ShuffleBuffer {
  take(rows: number): Promise<HostRows>;
  /** All rows that are there, without taking them; fills it first. */
  all(): Promise<HostRows>;
  state(): BufferState;
}

interface Row {
  readonly text: number;
  readonly pos: number;
  readonly input: Float64Array;
  readonly target: Float64Array | undefined;
}

/**
 * @param size rows that it holds at least when it is full
 * @param from where to go on
 */
export async function shuffleBuffer(
  source: VectorSource,
  { size, seed }: { readonly size: number; readonly seed: number },
  from: BufferState = { round: 0, read: 0, origins: new Int32Array(0) },
  signal?: AbortSignal,
): Promise<ShuffleBuffer> {
  let { round, read } = from;
  let rows = await restored(source, from.origins, signal);
  const count = source.texts.length;

  const fill = async (): Promise<void> => {
    const held = [...rows];
    let order: Int32Array = new Int32Array(0);
    let [epoch, without, next] = [-1, 0, read];
    while (held.length < size) {
      if (without === count) throw noTokens(count); // a whole epoch has brought nothing
      const now = Math.floor(next / count);
      if (now !== epoch) order = shuffled(count, drawingFor(seed, "texts", now));
      epoch = now;
      const found = await rowsOf(source, order[next % count] as number, signal); // within
      next++;
      without = found.length === 0 ? without + 1 : 0;
      held.push(...found);
    }
    const mixed = shuffled(held.length, drawingFor(seed, "buffer", round));
    rows = Array.from(mixed, (i) => held[i] as Row); // an order of them
    read = next;
    round++;
  };
  return {
    take: async (some) => {
      if (rows.length < Math.max(some, size / 2)) await fill();
      const taken = rows.slice(0, some);
      rows = rows.slice(some);
      return packed(taken);
    },
    all: async () => {
      if (rows.length < size) await fill();
      return packed(rows);
    },
    state: () => ({
      round,
      read,
      origins: Int32Array.from(rows.flatMap(({ text, pos }) => [text, pos])),
    }),
  };
}

async function rowsOf(
  source: VectorSource,
  text: number,
  signal: AbortSignal | undefined,
): Promise<Row[]> {
  const { positions, input, target } = await source.of(text, signal);
  const part = (of: Float64Array | Float32Array, row: number): Float64Array => {
    const width = of.length / positions.length;
    return Float64Array.from(of.subarray(row * width, (row + 1) * width));
  };
  return positions.map((pos, row) => ({
    text,
    pos,
    input: part(input, row),
    target: target && part(target, row),
  }));
}

/** Rows of earlier texts, computed anew: a text at a time gives the same numbers. */
async function restored(
  source: VectorSource,
  origins: Int32Array,
  signal: AbortSignal | undefined,
): Promise<Row[]> {
  const found = new Map<string, Row>();
  const key = (text: number, pos: number): string => `${text} ${pos}`;
  const pairs = Array.from({ length: origins.length / 2 }, (_, i) => [
    origins[2 * i] as number,
    origins[2 * i + 1] as number,
  ]) as [number, number][];
  for (const text of new Set(pairs.map(([one]) => one))) {
    for (const row of await rowsOf(source, text, signal)) found.set(key(text, row.pos), row);
  }
  return pairs.map(([text, pos]) => {
    const row = found.get(key(text, pos));
    if (row === undefined) throw noTokens(source.texts.length); // other texts than those of the checkpoint
    return row;
  });
}

function packed(rows: readonly Row[]): HostRows {
  const joined = (of: (row: Row) => Float64Array | undefined): Float64Array | undefined => {
    const width = rows[0] && of(rows[0])?.length;
    if (width === undefined) return undefined;
    const all = new Float64Array(rows.length * width);
    rows.forEach((row, i) => {
      const own = of(row);
      if (own !== undefined) all.set(own, i * width);
    });
    return all;
  };
  return {
    rows: rows.length,
    input: joined(({ input }) => input) ?? new Float64Array(0),
    target: joined(({ target }) => target),
  };
}
