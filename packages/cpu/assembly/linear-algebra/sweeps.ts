// Sequences of rotations of neighbouring rows, recorded first and applied later, many sequences at a time:
// strips of 8 columns then stay in the cache while all of them pass over, and the row that two successive
// rotations share stays in registers (Van Zee, van de Geijn, Quintana-Ortí 2014).
import { at, padded, take } from "./arena";

/** Sequences that may be recorded before they are applied. */
const SEQUENCES: i32 = 512;

let capacity: i32 = 0;
let used: i32 = 0;
let count: i32 = 0;
/** Of each sequence: direction, first row, rotations, place of the first. */
let heads: usize = 0;
/** Pairs (c, s) for the rows of the left and of the right matrix. */
let left: usize = 0;
let right: usize = 0;
let strip: usize = 0;
let leftRows: usize = 0;
let rightRows: usize = 0;
let leftLength: i32 = 0;
let rightLength: i32 = 0;

/** Takes the memory for up to `n` rows, and names the matrices that are turned (0: none). */
export function beginSweeps(
  n: i32, leftMatrix: usize, leftColumns: i32, rightMatrix: usize, rightColumns: i32,
): bool {
  leftRows = leftMatrix;
  rightRows = rightMatrix;
  leftLength = leftColumns;
  rightLength = rightColumns;
  used = 0;
  count = 0;
  if (leftRows == 0 && rightRows == 0) return true;
  capacity = max(16 * n, 4096);
  heads = take(2 * SEQUENCES);
  strip = take(8 * <f64>n);
  left = take(2 * <f64>capacity);
  right = rightRows == 0 ? left : take(2 * <f64>capacity);
  return heads != 0 && strip != 0 && left != 0 && right != 0;
}

/** Whether anything is recorded at all. */
@inline
export function recording(): bool {
  return leftRows != 0;
}

/** Opens a sequence over rows `row` … `row + rotations`; it is applied upwards (from the last row) or downwards. */
export function beginSequence(row: i32, rotations: i32, upwards: bool): void {
  if (leftRows == 0) return;
  if (count == SEQUENCES || used + rotations > capacity) applySweeps();
  const head = heads + (<usize>count << 4);
  store<i32>(head, upwards ? 1 : 0);
  store<i32>(head, row, 4);
  store<i32>(head, rotations, 8);
  store<i32>(head, used, 12);
  used += rotations;
  count++;
}

/** Rotation `i` of the open sequence, for the left matrix. */
@inline
export function recordLeft(i: i32, c: f64, s: f64): void {
  const place = left + (<usize>(load<i32>(heads + (<usize>(count - 1) << 4), 12) + i) << 4);
  store<f64>(place, c);
  store<f64>(place, s, 8);
}

/** Rotation `i` of the open sequence, for the right matrix. */
@inline
export function recordRight(i: i32, c: f64, s: f64): void {
  const place = right + (<usize>(load<i32>(heads + (<usize>(count - 1) << 4), 12) + i) << 4);
  store<f64>(place, c);
  store<f64>(place, s, 8);
}

/** Applies and forgets what was recorded. */
export function applySweeps(): void {
  if (count == 0) return;
  let low = i32.MAX_VALUE, high = 0;
  for (let i = 0; i < count; i++) {
    const head = heads + (<usize>i << 4), row = load<i32>(head, 4);
    low = min(low, row);
    high = max(high, row + load<i32>(head, 8));
  }
  turn(leftRows, leftLength, left, low, high);
  if (rightRows != 0) turn(rightRows, rightLength, right, low, high);
  used = 0;
  count = 0;
}

function turn(matrix: usize, length: i32, pairs: usize, low: i32, high: i32): void {
  const ld = padded(length), step = <usize>ld << 3;
  for (let column = 0; column < length; column += 8) {
    let from = at(matrix, ld, low, column), to = strip;
    for (let row = low; row <= high; row++) {
      memory.copy(to, from, 64);
      from += step;
      to += 64;
    }
    for (let i = 0; i < count; i++) {
      const head = heads + (<usize>i << 4), rotations = load<i32>(head, 8);
      const rows = strip + (<usize>(load<i32>(head, 4) - low) << 6);
      const first = pairs + (<usize>load<i32>(head, 12) << 4);
      if (load<i32>(head) == 0) down(rows, rotations, first);
      else up(rows, rotations, first);
    }
    from = strip;
    to = at(matrix, ld, low, column);
    for (let row = low; row <= high; row++) {
      memory.copy(to, from, 64);
      from += 64;
      to += step;
    }
  }
}

/** Rotation i turns rows i and i + 1: (x, y) ← (c·x + s·y, c·y − s·x), for i = 0, 1, … */
function down(row: usize, rotations: i32, pair: usize): void {
  let x0 = v128.load(row), x1 = v128.load(row, 16), x2 = v128.load(row, 32), x3 = v128.load(row, 48);
  const end = pair + (<usize>rotations << 4);
  for (; pair < end; pair += 16) {
    const c = v128.load64_splat(pair), s = v128.load64_splat(pair, 8);
    const y0 = v128.load(row, 64), y1 = v128.load(row, 80);
    v128.store(row, f64x2.add(f64x2.mul(c, x0), f64x2.mul(s, y0)));
    x0 = f64x2.sub(f64x2.mul(c, y0), f64x2.mul(s, x0));
    v128.store(row, f64x2.add(f64x2.mul(c, x1), f64x2.mul(s, y1)), 16);
    x1 = f64x2.sub(f64x2.mul(c, y1), f64x2.mul(s, x1));
    const y2 = v128.load(row, 96), y3 = v128.load(row, 112);
    v128.store(row, f64x2.add(f64x2.mul(c, x2), f64x2.mul(s, y2)), 32);
    x2 = f64x2.sub(f64x2.mul(c, y2), f64x2.mul(s, x2));
    v128.store(row, f64x2.add(f64x2.mul(c, x3), f64x2.mul(s, y3)), 48);
    x3 = f64x2.sub(f64x2.mul(c, y3), f64x2.mul(s, x3));
    row += 64;
  }
  v128.store(row, x0);
  v128.store(row, x1, 16);
  v128.store(row, x2, 32);
  v128.store(row, x3, 48);
}

/** The same for i = rotations − 1, …, 1, 0. */
function up(first: usize, rotations: i32, pairs: usize): void {
  let row = first + (<usize>rotations << 6);
  let y0 = v128.load(row), y1 = v128.load(row, 16), y2 = v128.load(row, 32), y3 = v128.load(row, 48);
  let pair = pairs + (<usize>rotations << 4);
  while (pair > pairs) {
    pair -= 16;
    row -= 64;
    const c = v128.load64_splat(pair), s = v128.load64_splat(pair, 8);
    const x0 = v128.load(row), x1 = v128.load(row, 16);
    v128.store(row, f64x2.sub(f64x2.mul(c, y0), f64x2.mul(s, x0)), 64);
    y0 = f64x2.add(f64x2.mul(s, y0), f64x2.mul(c, x0));
    v128.store(row, f64x2.sub(f64x2.mul(c, y1), f64x2.mul(s, x1)), 80);
    y1 = f64x2.add(f64x2.mul(s, y1), f64x2.mul(c, x1));
    const x2 = v128.load(row, 32), x3 = v128.load(row, 48);
    v128.store(row, f64x2.sub(f64x2.mul(c, y2), f64x2.mul(s, x2)), 96);
    y2 = f64x2.add(f64x2.mul(s, y2), f64x2.mul(c, x2));
    v128.store(row, f64x2.sub(f64x2.mul(c, y3), f64x2.mul(s, x3)), 112);
    y3 = f64x2.add(f64x2.mul(s, y3), f64x2.mul(c, x3));
  }
  v128.store(row, y0);
  v128.store(row, y1, 16);
  v128.store(row, y2, 32);
  v128.store(row, y3, 48);
}
