// Which entries of a vector stay: the largest, random ones, random ones by rank. The others become zero.

/**
 * Counts entries by a digit of 16 bits of their magnitude's bits, where the bits above are those of `found`: `shift` is 48, 32,
 * 16 or 0.
 */
export function count(n: i32, first: f64, x: usize, counts: usize, shift: i32, found: f64): void {
  const above = reinterpret<u64>(found) >> (<u64>shift + 16);
  const all = shift == 48;
  for (let i = 0; i < n; i++) {
    const bits = load<u64>(x + (<usize>i << 3)) & 0x7fffffffffffffff;
    if (!all && bits >> (<u64>shift + 16) != above) continue;
    const at = counts + (<usize>((bits >> <u64>shift) & 0xffff) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
}

/** Entries whose magnitude has the bits of `found` above `shift`, as pairs of magnitude and index; how many goes to `length`. */
export function gather(n: i32, first: f64, x: usize, list: usize, length: usize, shift: i32, found: f64): void {
  const above = reinterpret<u64>(found) >> <u64>shift;
  let to = list;
  for (let i = 0; i < n; i++) {
    const bits = load<u64>(x + (<usize>i << 3)) & 0x7fffffffffffffff;
    if (bits >> <u64>shift != above) continue;
    store<u64>(to, bits);
    store<f64>(to, first + <f64>i, 8);
    to += 16;
  }
  store<f64>(length, <f64>((to - list) >> 4));
}

/**
 * Leaves the entries above one cut, and not above the other: those of a larger magnitude, and of an equal one up to the index
 * `to`.
 */
export function between(
  n: i32,
  first: f64,
  out: usize,
  x: usize,
  size: f64,
  to: f64,
  dropped: f64,
  droppedTo: f64,
): void {
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 3;
    const own = load<f64>(x + at);
    const magnitude = abs<f64>(own);
    const index = first + <f64>i;
    const above = magnitude > size || (magnitude == size && index <= to);
    const top = magnitude > dropped || (magnitude == dropped && index <= droppedTo);
    store<f64>(out + at, above && !top ? own : 0);
  }
}

/** Leaves the entries of `out` where another vector's are chosen as by `between`. */
export function where(n: i32, first: f64, out: usize, by: usize, size: f64, to: f64): void {
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 3;
    const magnitude = abs<f64>(load<f64>(by + at));
    if (magnitude > size || (magnitude == size && first + <f64>i <= to)) continue;
    store<f64>(out + at, 0);
  }
}

let x0: u32;
let x1: u32;
let x2: u32;
let x3: u32;

/** Philox4x32-10 (Salmon et al. 2011). */
@inline
function philox(c0: u32, c1: u32, c2: u32, c3: u32, key0: u32, key1: u32): void {
  let a = c0;
  let b = c1;
  let c = c2;
  let d = c3;
  let k0 = key0;
  let k1 = key1;
  for (let round = 0; round < 10; round++) {
    const p = <u64>0xd2511f53 * <u64>a;
    const q = <u64>0xcd9e8d57 * <u64>c;
    a = <u32>(q >> 32) ^ b ^ k0;
    b = <u32>q;
    c = <u32>(p >> 32) ^ d ^ k1;
    d = <u32>p;
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  x0 = a;
  x1 = b;
  x2 = c;
  x3 = d;
}

/** Random words of 32 bits over 2³², one an entry. Begins at a multiple of 4, for which there is room before `out`. */
export function uniform(n: i32, first: f64, out: usize, low: f64, high: f64, key0: f64, key1: f64): void {
  const before = <i32>(<u64>first & 3);
  let at = out - (<usize>before << 3);
  let counter = <u32>(<u64>first >> 2);
  for (let i = 0; i < n + before; i += 4) {
    philox(counter++, 0, <u32>low, <u32>high, <u32>key0, <u32>key1);
    store<f64>(at, <f64>x0 / 4294967296);
    store<f64>(at, <f64>x1 / 4294967296, 8);
    store<f64>(at, <f64>x2 / 4294967296, 16);
    store<f64>(at, <f64>x3 / 4294967296, 24);
    at += 32;
  }
}

/** Leaves the entries whose number in `u` is below `p`. */
export function random(n: i32, first: f64, out: usize, x: usize, u: usize, p: f64): void {
  const density = v128.splat<f64>(p);
  for (let at: usize = 0, end = <usize>n << 3; at < end; at += 16) {
    const kept = v128.lt<f64>(v128.load(u + at), density);
    v128.store(out + at, v128.and(kept, v128.load(x + at)));
  }
}

/** Leaves the entries whose number in `u` is below that in `p`; divided by it where `by` is 1. */
export function randomBy(n: i32, first: f64, out: usize, x: usize, u: usize, p: usize, by: i32): void {
  for (let at: usize = 0, end = <usize>n << 3; at < end; at += 8) {
    const own = load<f64>(p + at);
    const kept = load<f64>(u + at) < own ? load<f64>(x + at) : 0;
    store<f64>(out + at, by != 0 ? kept / own : kept);
  }
}

/**
 * Keep probabilities by the rank of an entry's magnitude in its row, of equal ones the lower index first: density − ε for the
 * smallest to density + ε for the largest. Sorts by digits of 11 bits; `scratch` has room for 2 · 16 bytes an entry of a row,
 * and the counts of a digit.
 */
export function byRank(n: i32, first: f64, out: usize, x: usize, row: i32, density: f64, epsilon: f64, scratch: usize): void {
  const counts = scratch;
  for (let start = 0; start < n; start += row) {
    let from = scratch + 8192;
    let to = from + (<usize>row << 4);
    let varying: u64 = 0;
    const one = load<u64>(x + (<usize>start << 3)) & 0x7fffffffffffffff;
    for (let i = 0; i < row; i++) {
      const bits = load<u64>(x + (<usize>(start + i) << 3)) & 0x7fffffffffffffff;
      varying |= bits ^ one;
      store<u64>(from + (<usize>i << 4), bits);
      store<u32>(from + (<usize>i << 4), i, 8);
    }
    for (let shift: u64 = 0; shift < 64; shift += 11) {
      if (((varying >> shift) & 0x7ff) == 0) continue; // all are alike in it
      memory.fill(counts, 0, 8192);
      for (let i = 0; i < row; i++) {
        const at = counts + (<usize>((load<u64>(from + (<usize>i << 4)) >> shift) & 0x7ff) << 2);
        store<u32>(at, load<u32>(at) + 1);
      }
      let below: u32 = 0;
      for (let digit = 0; digit < 2048; digit++) {
        const at = counts + (<usize>digit << 2);
        const own = load<u32>(at);
        store<u32>(at, below);
        below += own;
      }
      for (let i = 0; i < row; i++) {
        const entry = v128.load(from + (<usize>i << 4));
        const at = counts + (<usize>((v128.extract_lane<u64>(entry, 0) >> shift) & 0x7ff) << 2);
        const place = load<u32>(at);
        store<u32>(at, place + 1);
        v128.store(to + (<usize>place << 4), entry);
      }
      const other = from;
      from = to;
      to = other;
    }
    for (let rank = 0; rank < row; rank++) {
      const i = load<u32>(from + (<usize>rank << 4), 8);
      const p = density - epsilon + (2 * epsilon * <f64>rank) / <f64>(row - 1);
      store<f64>(out + (<usize>(start + i) << 3), p);
    }
  }
}
