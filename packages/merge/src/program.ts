import type { Address, Argument, Operation, Place, Program } from "../worker/run.js";

export type { Program } from "../worker/run.js";

/** Entries of a piece: what stands between stays in a processor's cache, and sums are taken over as many at once. */
const PIECE = 4096;

/** Free bytes before and behind a register. */
const MARGIN = 64;

/** Room for what a histogram counts: a digit of 16 bits, four bytes each. */
const COUNTS = 4 * 65_536;

/** What a program is written with. */
export interface Writer {
  /** An input in float64. Those that no operation asks for are not brought there. */
  x(input: number): Address;
  /** The result; a program that never asks for it has none. */
  out(): Address;
  register(): Address;
  /** Adds an operation. */
  op(name: string, ...args: Argument[]): void;
  /** The arguments by which an operation takes an input as it is stored. */
  stored(input: number): readonly [Argument, Argument];
  /** Rows in memory: places or numbers, and numbers. */
  table(rows: readonly (readonly [Place | number, number])[]): Address;
  /** Places for so many numbers that each piece gives, eight bytes each. */
  numbers(count: number): Address;
  counts(): Address;
  /** So many numbers that pieces add to, whose sums over all of a job it gives. */
  sums(length: number): Address;
  /** A list that holds a pair for each entry of a piece at most. */
  list(): { readonly at: Address; readonly length: Address };
  /** Room that operations need for themselves. */
  scratch(bytes: number): Address;
}

export interface ProgramOptions {
  /** Entries of a piece; default 4096. Programs that look at rows take whole ones. */
  readonly piece?: number | undefined;
}

/** Writes a program. */
export function programOf(
  write: (writer: Writer) => void,
  { piece = PIECE }: ProgramOptions = {},
): Program {
  let end = 0;
  const take = (bytes: number): Address => {
    const at = end + MARGIN;
    end = Math.ceil((at + bytes + MARGIN) / 64) * 64;
    return { at };
  };
  const register = (): Address => take(8 * piece);
  const ops: Operation[] = [];
  const constants: [Address, Place | number][] = [];
  const numbers: Address[] = [];
  const counts: Address[] = [];
  const sums: { at: Address; length: number }[] = [];
  const lists: { at: Address; length: Address }[] = [];
  const xs = new Map<number, Address>();
  let output: Address | undefined;
  const stored = (input: number): readonly [Argument, Argument] => [
    { stored: input },
    { dtype: input },
  ];
  write({
    x: (input) => {
      const known = xs.get(input);
      if (known !== undefined) return known;
      const own = register();
      xs.set(input, own);
      ops.push(["stored", own, ...stored(input)]);
      return own;
    },
    out: () => {
      output ??= register();
      return output;
    },
    register,
    op: (name, ...args) => {
      ops.push([name, ...args]);
    },
    stored,
    table: (rows) => {
      const { at } = take(16 * rows.length);
      for (const [i, [a, b]] of rows.entries())
        constants.push([{ at: at + 16 * i }, a], [{ at: at + 16 * i + 8 }, b]);
      return { at };
    },
    numbers: (count) => {
      const { at } = take(8 * count);
      for (let i = 0; i < count; i++) numbers.push({ at: at + 8 * i });
      return { at };
    },
    counts: () => {
      const at = take(COUNTS);
      counts.push(at);
      return at;
    },
    sums: (length) => {
      const at = take(8 * length);
      sums.push({ at, length });
      return at;
    },
    list: () => {
      const list = { at: take(16 * piece), length: take(8) };
      lists.push(list);
      return list;
    },
    scratch: take,
  });
  return {
    ...{ bytes: end, piece, ops, constants, numbers, counts, sums, lists },
    ...(output !== undefined && { output }),
  };
}

/** The place so many bytes further on. */
export function after({ at }: Address, bytes: number): Address {
  return { at: at + bytes };
}

/** Entries of a piece of whole rows: at least one row. */
export function rowsOf(row: number): number {
  return Math.max(1, row) * Math.max(1, Math.floor(PIECE / Math.max(1, row)));
}
