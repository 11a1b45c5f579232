// Products of rows with rows for some pairs of them, and sums of rows by pairs: what a sparse matrix is multiplied with.
import { bytes, lanes, madd, total, zero } from "./lanes";

@inline
function id(ids: usize, i: i32): i32 {
  return load<i32>(ids + ((<usize>i) << 2));
}

/** Arguments, in the order src/pairs.ts writes them. */
@unmanaged
class Dots {
  out: usize;
  left: usize;
  leftIds: usize;
  right: usize;
  rightIds: usize;
  /** Pairs, in the order in which they are computed. */
  order: usize;
  /** Numbers in a row. */
  width: i32;
}

/** out[e] = Σ left[leftIds[e], ·] · right[rightIds[e], ·] for pairs e of places `from ≤ n < to` in the order. */
export function pairDots<T>(args: usize, from: i32, to: i32): void {
  const job = changetype<Dots>(args);
  const row = bytes<T>(job.width);
  const whole = bytes<T>(job.width & -(4 * lanes<T>()));
  for (let n = from; n < to; n++) {
    const e = id(job.order, n);
    const a = job.left + row * id(job.leftIds, e);
    const b = job.right + row * id(job.rightIds, e);
    let s0 = zero<T>(), s1 = zero<T>(), s2 = zero<T>(), s3 = zero<T>();
    let p: usize = 0;
    for (; p < whole; p += 64) {
      s0 = madd<T>(v128.load(a + p), v128.load(b + p), s0);
      s1 = madd<T>(v128.load(a + p, 16), v128.load(b + p, 16), s1);
      s2 = madd<T>(v128.load(a + p, 32), v128.load(b + p, 32), s2);
      s3 = madd<T>(v128.load(a + p, 48), v128.load(b + p, 48), s3);
    }
    let sum = total<T>(v128.add<T>(v128.add<T>(s0, s1), v128.add<T>(s2, s3)));
    for (; p < row; p += sizeof<T>()) sum = <T>(sum + load<T>(a + p) * load<T>(b + p));
    store<T>(job.out + bytes<T>(e), sum);
  }
}

/** Arguments, in the order src/pairs.ts writes them. */
@unmanaged
class Sums {
  out: usize;
  weights: usize;
  right: usize;
  rightIds: usize;
  /** Where the pairs of each row of `out` begin in `order`, and where the last ones end. */
  starts: usize;
  /** Pairs, by their row of `out`. */
  order: usize;
  width: i32;
}

/** out[i] = Σ weights[e] · right[rightIds[e], ·] over the pairs of row i, for rows `from ≤ i < to`. */
export function pairSums<T>(args: usize, from: i32, to: i32): void {
  const job = changetype<Sums>(args);
  const row = bytes<T>(job.width);
  for (let i = from; i < to; i++) {
    const out = job.out + row * i;
    const end = id(job.starts, i + 1);
    let n = id(job.starts, i);
    if (n == end) {
      memory.fill(out, 0, row);
      continue;
    }
    // The row is written by its first pairs and read by those that follow, four at a time.
    for (let first = true; n < end; first = false) {
      const left = end - n;
      const e0 = id(job.order, n);
      const w0 = load<T>(job.weights + bytes<T>(e0));
      const r0 = job.right + row * id(job.rightIds, e0);
      if (left < 4) {
        addOne<T>(out, row, w0, r0, first);
        n++;
        continue;
      }
      const e1 = id(job.order, n + 1), e2 = id(job.order, n + 2), e3 = id(job.order, n + 3);
      addFour<T>(
        out, row, first,
        w0, r0,
        load<T>(job.weights + bytes<T>(e1)), job.right + row * id(job.rightIds, e1),
        load<T>(job.weights + bytes<T>(e2)), job.right + row * id(job.rightIds, e2),
        load<T>(job.weights + bytes<T>(e3)), job.right + row * id(job.rightIds, e3),
      );
      n += 4;
    }
  }
}

function addOne<T>(out: usize, row: usize, weight: T, from: usize, first: bool): void {
  const w = v128.splat<T>(weight);
  const whole = row & -16;
  let p: usize = 0;
  if (first) for (; p < whole; p += 16) v128.store(out + p, v128.mul<T>(w, v128.load(from + p)));
  else {
    for (; p < whole; p += 16) {
      v128.store(out + p, madd<T>(w, v128.load(from + p), v128.load(out + p)));
    }
  }
  for (; p < row; p += sizeof<T>()) {
    const more = <T>(weight * load<T>(from + p));
    store<T>(out + p, first ? more : <T>(load<T>(out + p) + more));
  }
}

function addFour<T>(
  out: usize, row: usize, first: bool,
  w0: T, r0: usize, w1: T, r1: usize, w2: T, r2: usize, w3: T, r3: usize,
): void {
  const v0 = v128.splat<T>(w0), v1 = v128.splat<T>(w1), v2 = v128.splat<T>(w2), v3 = v128.splat<T>(w3);
  const whole = row & -16;
  let p: usize = 0;
  for (; p < whole; p += 16) {
    let sum = first ? zero<T>() : v128.load(out + p);
    sum = madd<T>(v0, v128.load(r0 + p), sum);
    sum = madd<T>(v1, v128.load(r1 + p), sum);
    sum = madd<T>(v2, v128.load(r2 + p), sum);
    sum = madd<T>(v3, v128.load(r3 + p), sum);
    v128.store(out + p, sum);
  }
  for (; p < row; p += sizeof<T>()) {
    let sum = first ? <T>0 : load<T>(out + p);
    sum = <T>(sum + w0 * load<T>(r0 + p));
    sum = <T>(sum + w1 * load<T>(r1 + p));
    sum = <T>(sum + w2 * load<T>(r2 + p));
    sum = <T>(sum + w3 * load<T>(r3 + p));
    store<T>(out + p, sum);
  }
}
