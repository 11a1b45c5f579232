import { InvalidArgumentError } from "commander";

/** One of several processes that share a sweep. */
export interface Shard {
  /** From 1. */
  readonly number: number;
  readonly of: number;
}

/** Processes that share a sweep at most. */
const MOST = 100_000;

/** Parses `i/n`, as test runners write it: `1/8` to `8/8`. */
export function parseShard(text: string): Shard {
  const [, number, of] = /^(\d{1,6})\/(\d{1,6})$/.exec(text)?.map(Number) ?? [];
  if (number !== undefined && of !== undefined && number >= 1 && number <= of && of <= MOST)
    return { number, of };
  throw new InvalidArgumentError(`Expected i/n, such as 1/8, with i from 1 to n, n up to ${MOST}.`);
}

/** Whether a part, from 0, is this shard's: every `of`-th is, so that all have as much to do. */
export function isOwn({ number, of }: Shard, part: number): boolean {
  return part % of === number - 1;
}
