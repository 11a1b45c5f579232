// Working memory: taken piece by piece from the end of the module's data, given back all at once.

const PAGE: u64 = 65536;

/** One page short of 4 GiB, so that no end of a range wraps to 0. */
const LIMIT: u64 = 65535 * PAGE;

let next: u64 = 0;

/** Gives everything back. */
export function reset(): void {
  next = (<u64>__heap_base + 63) & ~63;
}

/** The address of `count` zeros (float64), at a multiple of 64; 0 where there is no memory for them. */
export function take(count: f64): usize {
  const bytes = (<u64>Math.max(count, 1) * 8 + 63) & ~63;
  const start = next;
  const end = start + bytes;
  if (!(count * 8 < <f64>LIMIT) || end > LIMIT) return 0;
  const have = <u64>memory.size() * PAGE;
  if (end > have && memory.grow(<i32>((end - have + PAGE - 1) / PAGE)) < 0) return 0;
  next = end;
  memory.fill(<usize>start, 0, <usize>bytes);
  return <usize>start;
}

/**
 * Numbers from one row to the next: whole cache lines of 8, so that sweeps need no remainders; of long rows an
 * odd count of lines, so that a column's entries do not all fall into the same few places of the cache.
 */
export function padded(columns: i32): i32 {
  const whole = (columns + 7) & ~7;
  return whole < 64 ? whole : whole | 8;
}

/** A matrix of zeros, rows padded. */
export function takeMatrix(rows: i32, columns: i32): usize {
  return take(<f64>rows * <f64>padded(columns));
}

/** The address of entry (row, column). */
@inline
export function at(a: usize, ld: i32, row: i32, column: i32): usize {
  return a + ((<usize>row * <usize>ld + <usize>column) << 3);
}
