// Packing: copies a panel of a matrix so that the numbers a tile needs at one k stand together.
// Where a number lies is the sum of two table entries (row offset + k offset, in numbers), so any axis order,
// any number of axes and any transposition is the same code; runs of adjacent numbers are found and copied fast.
import { bytes, lanes } from "./lanes";

/** Whether `count` table entries from `at` on rise by one each. */
export function adjacent(at: usize, count: i32): bool {
  const first = load<u32>(at);
  for (let i = 1; i < count; i++) {
    if (load<u32>(at + (<usize>i << 2)) != first + i) return false;
  }
  return true;
}

@inline
function entry(table: usize, i: i32): usize {
  return <usize>load<u32>(table + (<usize>i << 2));
}

@inline
function shuffleLow<T>(a: v128, b: v128): v128 {
  if (sizeof<T>() == 4) return v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  return v128.shuffle<f64>(a, b, 0, 2);
}

@inline
function shuffleHigh<T>(a: v128, b: v128): v128 {
  if (sizeof<T>() == 4) return v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  return v128.shuffle<f64>(a, b, 1, 3);
}

/** Two lines of `k` adjacent numbers, interleaved, with `step` bytes between pairs. */
function interleave2<T>(to: usize, x: usize, y: usize, k: i32, step: usize): void {
  let p = 0;
  for (; p + lanes<T>() <= k; p += lanes<T>()) {
    const u = v128.load(x), v = v128.load(y);
    const low = shuffleLow<T>(u, v), high = shuffleHigh<T>(u, v);
    if (sizeof<T>() == 4) {
      v128.store64_lane(to, low, 0);
      v128.store64_lane(to + step, low, 1);
      v128.store64_lane(to + 2 * step, high, 0);
      v128.store64_lane(to + 3 * step, high, 1);
      to += 4 * step;
    } else {
      v128.store(to, low);
      v128.store(to + step, high);
      to += 2 * step;
    }
    x += 16;
    y += 16;
  }
  for (; p < k; p++) {
    store<T>(to, load<T>(x));
    store<T>(to + sizeof<T>(), load<T>(y));
    x += sizeof<T>();
    y += sizeof<T>();
    to += step;
  }
}

/** Four lines of `k` adjacent f32, transposed, with `step` bytes between groups. */
function transpose4(to: usize, x: usize, y: usize, z: usize, w: usize, k: i32, step: usize): void {
  let p = 0;
  for (; p + 4 <= k; p += 4) {
    const a = v128.load(x), b = v128.load(y), c = v128.load(z), d = v128.load(w);
    const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5), AB = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5), CD = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<f64>(ab, cd, 0, 2));
    v128.store(to + step, v128.shuffle<f64>(ab, cd, 1, 3));
    v128.store(to + 2 * step, v128.shuffle<f64>(AB, CD, 0, 2));
    v128.store(to + 3 * step, v128.shuffle<f64>(AB, CD, 1, 3));
    x += 16;
    y += 16;
    z += 16;
    w += 16;
    to += 4 * step;
  }
  for (; p < k; p++) {
    store<f32>(to, load<f32>(x));
    store<f32>(to + 4, load<f32>(y));
    store<f32>(to + 8, load<f32>(z));
    store<f32>(to + 12, load<f32>(w));
    x += 4;
    y += 4;
    z += 4;
    w += 4;
    to += step;
  }
}

/** One panel: `rows` (at most `width`) lines by `k` steps, to `[k][width]`, missing lines 0. */
function packPanel<T>(
  to: usize, from: usize, width: i32, rows: i32, k: i32, rowTable: usize, kTable: usize, kAdjacent: bool,
): void {
  const step = bytes<T>(width);
  if (rows < width) memory.fill(to, 0, step * k);
  else if (adjacent(rowTable, width)) {
    const start = from + entry(rowTable, 0) * sizeof<T>();
    for (let p = 0; p < k; p++) {
      const line = start + entry(kTable, p) * sizeof<T>();
      if (step == 8) store<u64>(to, load<u64>(line));
      else if (WIDE && step == 24) {
        v128.store(to, v128.load(line));
        store<u64>(to, load<u64>(line, 16), 16);
      } else {
        v128.store(to, v128.load(line));
        if (step >= 32) v128.store(to + 16, v128.load(line, 16));
        if (step == 64) {
          v128.store(to + 32, v128.load(line, 32));
          v128.store(to + 48, v128.load(line, 48));
        }
      }
      to += step;
    }
    return;
  }
  let i = 0;
  if (kAdjacent) {
    const start = from + entry(kTable, 0) * sizeof<T>();
    if (sizeof<T>() == 4) {
      for (; i + 4 <= rows; i += 4) {
        transpose4(
          to + bytes<T>(i),
          start + entry(rowTable, i) * sizeof<T>(),
          start + entry(rowTable, i + 1) * sizeof<T>(),
          start + entry(rowTable, i + 2) * sizeof<T>(),
          start + entry(rowTable, i + 3) * sizeof<T>(),
          k, step,
        );
      }
    }
    for (; i + 2 <= rows; i += 2) {
      interleave2<T>(
        to + bytes<T>(i),
        start + entry(rowTable, i) * sizeof<T>(),
        start + entry(rowTable, i + 1) * sizeof<T>(),
        k, step,
      );
    }
  }
  for (; i < rows; i++) {
    const line = from + entry(rowTable, i) * sizeof<T>();
    let at = to + bytes<T>(i);
    for (let p = 0; p < k; p++) {
      store<T>(at, load<T>(line + entry(kTable, p) * sizeof<T>()));
      at += step;
    }
  }
}

/** All panels of `rows` lines by `k` steps, one after another. */
export function pack<T>(
  to: usize, from: usize, width: i32, rows: i32, k: i32, rowTable: usize, kTable: usize,
): void {
  const kAdjacent = adjacent(kTable, k);
  for (let i = 0; i < rows; i += width) {
    packPanel<T>(to, from, width, min(width, rows - i), k, rowTable + (<usize>i << 2), kTable, kAdjacent);
    to += bytes<T>(width) * k;
  }
}
