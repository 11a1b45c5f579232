import type { Job } from "../worker/run.js";

/** Entries of a piece: what stands between stays in a processor's cache, and sums are taken over as many at once. */
export const PIECE = 4096;

/** Where the kernels' own data end, and what a register has before and behind it. */
const START = 8192;
const MARGIN = 64;

/** Room for what a histogram counts: a digit of 16 bits, four bytes each. */
const COUNTS = 4 * 65_536;

/** What is done with each piece of a tensor, as data: operations of `assembly/` on registers of float64s, in order. */
export interface Program
  extends Pick<
    Job,
    "bytes" | "piece" | "stage" | "ops" | "constants" | "numbers" | "counts" | "lists"
  > {
  /** The registers of the inputs. */
  readonly inputs: readonly number[];
  /** The register of the result, where there is one. */
  readonly output?: number;
}

/** What a program is written with: registers are addresses. */
export interface Writer {
  /** The inputs, in the order of the plan. */
  readonly xs: readonly number[];
  /** The result; a program that never asks for it has none. */
  out(): number;
  register(): number;
  /** Adds an operation. */
  op(name: string, ...args: number[]): void;
  /** Pairs of numbers in memory: registers and weights. */
  table(pairs: readonly (readonly [number, number])[]): number;
  /** Places for so many numbers that each piece gives. */
  numbers(count: number): number;
  counts(): number;
  /** A list that holds a pair for each entry of a piece at most. */
  list(): { readonly at: number; readonly length: number };
  /** Room that operations need for themselves. */
  scratch(bytes: number): number;
}

export interface ProgramOptions {
  readonly inputs: number;
  /** Entries of a piece; default 4096. Programs that look at rows take whole ones. */
  readonly piece?: number | undefined;
}

/** Writes a program. */
export function programOf(
  { inputs, piece = PIECE }: ProgramOptions,
  write: (writer: Writer) => void,
): Program {
  let end = START;
  const take = (bytes: number): number => {
    const at = end + MARGIN;
    end = Math.ceil((at + bytes + MARGIN) / 64) * 64;
    return at;
  };
  const register = (): number => take(8 * piece);
  const ops: [string, ...number[]][] = [];
  const constants: [number, number][] = [];
  const numbers: number[] = [];
  const counts: number[] = [];
  const lists: { at: number; length: number }[] = [];
  const xs = Array.from({ length: inputs }, register);
  const stage = register();
  let output: number | undefined;
  write({
    xs,
    out: () => {
      output ??= register();
      return output;
    },
    register,
    op: (name, ...args) => {
      ops.push([name, ...args]);
    },
    table: (pairs) => {
      const at = take(16 * pairs.length);
      for (const [i, [a, b]] of pairs.entries())
        constants.push([at + 16 * i, a], [at + 16 * i + 8, b]);
      return at;
    },
    numbers: (count) => {
      const at = take(8 * count);
      for (let i = 0; i < count; i++) numbers.push(at + 8 * i);
      return at;
    },
    counts: () => {
      const at = take(COUNTS);
      counts.push(at);
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
    ...{ bytes: end, piece, stage, ops, constants, numbers, counts, lists, inputs: xs },
    ...(output !== undefined && { output }),
  };
}
