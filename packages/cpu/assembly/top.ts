// The largest numbers of rows that lie together, in order: a heap of those found so far, the last of them at its root,
// through which all others go. Most are not above the root, and are passed over four vectors at a time.
import { bytes, lanes } from "./lanes";

/** Arguments, in the order src/top.ts writes them. */
@unmanaged
class Top {
  values: usize;
  /** 32-bit places along the row. */
  indices: usize;
  a: usize;
  length: i32;
  k: i32;
}

/** Rows `from ≤ row < to`. */
export function top<T>(args: usize, from: i32, to: i32): void {
  const job = changetype<Top>(args);
  const k = job.k;
  for (let row = from; row < to; row++) {
    const a = job.a + bytes<T>(job.length) * row;
    const found = job.indices + ((<usize>k * row) << 2);
    select<T>(a, job.length, found, k);
    let value = job.values + bytes<T>(k) * row;
    for (let i = 0; i < k; i++) {
      store<T>(value, at<T>(a, place(found, i)));
      value += sizeof<T>();
    }
  }
}

@inline
function at<T>(a: usize, i: i32): T {
  return load<T>(a + bytes<T>(i));
}

@inline
function place(found: usize, i: i32): i32 {
  return load<i32>(found + ((<usize>i) << 2));
}

@inline
function setPlace(found: usize, i: i32, index: i32): void {
  store<i32>(found + ((<usize>i) << 2), index);
}

/** Whether entry i comes before entry j: the larger, what is no number first, of equal ones the earlier. */
function before<T>(a: usize, i: i32, j: i32): bool {
  const x = at<T>(a, i), y = at<T>(a, j);
  if (x > y) return true;
  if (x < y) return false;
  const odd = x != x;
  return odd == (y != y) ? i < j : odd;
}

/** Moves the entry at `from` down until none below it comes after it. */
function sink<T>(a: usize, found: usize, from: i32, length: i32): void {
  const moved = place(found, from);
  let to = from;
  for (let child = 2 * to + 1; child < length; child = 2 * to + 1) {
    if (child + 1 < length && before<T>(a, place(found, child), place(found, child + 1))) child++;
    if (!before<T>(a, moved, place(found, child))) break;
    setPlace(found, to, place(found, child));
    to = child;
  }
  setPlace(found, to, moved);
}

function select<T>(a: usize, length: i32, found: usize, k: i32): void {
  for (let i = 0; i < k; i++) setPlace(found, i, i);
  for (let i = (k >> 1) - 1; i >= 0; i--) sink<T>(a, found, i, k);
  let least = at<T>(a, place(found, 0));
  const stride = 4 * lanes<T>();
  let i = k;
  while (i < length) {
    let end = length;
    if (i + stride <= length) {
      end = i + stride;
      const v = v128.splat<T>(least);
      const p = a + bytes<T>(i);
      const below = v128.and(
        v128.and(v128.le<T>(v128.load(p), v), v128.le<T>(v128.load(p, 16), v)),
        v128.and(v128.le<T>(v128.load(p, 32), v), v128.le<T>(v128.load(p, 48), v)),
      );
      // Whole lanes are set or not, whatever their width.
      if (v128.all_true<i32>(below)) {
        i = end;
        continue;
      }
    }
    for (; i < end; i++) {
      // What is equal to the last one found comes after it.
      if (at<T>(a, i) <= least || !before<T>(a, i, place(found, 0))) continue;
      setPlace(found, 0, i);
      sink<T>(a, found, 0, k);
      least = at<T>(a, place(found, 0));
    }
  }
  for (let end = k - 1; end > 0; end--) {
    const last = place(found, 0);
    setPlace(found, 0, place(found, end));
    setPlace(found, end, last);
    sink<T>(a, found, 0, end);
  }
}
