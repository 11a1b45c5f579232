// What is done with the entries of a product while they are near: numbers added or multiplied line by line, and an
// activation. The same operations in the same order as by themselves, so that the bits are the same.
import { bytes, lanes, loadSome, storeSome } from "./lanes";
import { applied } from "./map";

/** Arguments, in the order src/finish.ts writes them: `out` has lines of `width` numbers. */
@unmanaged
export class Finish {
  out: usize;
  width: i32;
  /** What follows is 0 where there is none. Line `r` of the result meets line `r % period`. */
  shift: usize;
  shiftPeriod: i32;
  factor: usize;
  factorPeriod: i32;
  /** A kind of gate, by which the numbers are multiplied, or −1. */
  activation: i32;
  onto: usize;
  ontoPeriod: i32;
}

@inline
function lineOf<T>(from: usize, period: i32, width: i32, row: i32, column: i32): usize {
  return from == 0 ? 0 : from + bytes<T>(row % period) * width + bytes<T>(column);
}

@inline
function vector<T>(
  activation: i32, x: v128, shift: v128, factor: v128, onto: v128,
  shifts: bool, scales: bool, adds: bool,
): v128 {
  if (shifts) x = v128.add<T>(x, shift);
  if (scales) x = v128.mul<T>(x, factor);
  if (activation >= 0) x = v128.mul<T>(x, applied<T>(activation, x, x));
  if (adds) x = v128.add<T>(onto, x);
  return x;
}

@inline
function line<T>(
  activation: i32, out: usize, shift: usize, factor: usize, onto: usize, n: i32,
): void {
  const whole = bytes<T>(n & -lanes<T>());
  const left = n & (lanes<T>() - 1);
  let p: usize = 0;
  const none = v128.splat<T>(<T>0);
  for (; p < whole; p += 16) {
    v128.store(out + p, vector<T>(
      activation, v128.load(out + p),
      shift != 0 ? v128.load(shift + p) : none,
      factor != 0 ? v128.load(factor + p) : none,
      onto != 0 ? v128.load(onto + p) : none,
      shift != 0, factor != 0, onto != 0,
    ));
  }
  if (left > 0) {
    storeSome<T>(out + p, vector<T>(
      activation, loadSome<T>(out + p, left),
      shift != 0 ? loadSome<T>(shift + p, left) : none,
      factor != 0 ? loadSome<T>(factor + p, left) : none,
      onto != 0 ? loadSome<T>(onto + p, left) : none,
      shift != 0, factor != 0, onto != 0,
    ), left);
  }
}

@inline
function lines<T>(activation: i32, job: Finish, row: i32, rows: i32, column: i32, columns: i32): void {
  const width = job.width;
  for (let r = row; r < row + rows; r++) {
    line<T>(
      activation,
      job.out + bytes<T>(r) * width + bytes<T>(column),
      lineOf<T>(job.shift, job.shiftPeriod, width, r, column),
      lineOf<T>(job.factor, job.factorPeriod, width, r, column),
      lineOf<T>(job.onto, job.ontoPeriod, width, r, column),
      columns,
    );
  }
}

/** A block of the result: `rows` lines from `row` on, `columns` numbers of each. */
export function finishBlock<T>(job: Finish, row: i32, rows: i32, column: i32, columns: i32): void {
  switch (job.activation) {
    case 4: return lines<T>(4, job, row, rows, column, columns);
    case 5: return lines<T>(5, job, row, rows, column, columns);
    case 6: return lines<T>(6, job, row, rows, column, columns);
    case 7: return lines<T>(7, job, row, rows, column, columns);
    case 8: return lines<T>(8, job, row, rows, column, columns);
    default: return lines<T>(-1, job, row, rows, column, columns);
  }
}

/** Lines `from ≤ row < to`. */
export function finish<T>(args: usize, from: i32, to: i32): void {
  const job = changetype<Finish>(args);
  finishBlock<T>(job, from, to - from, 0, job.width);
}
