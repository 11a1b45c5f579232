// Operations along a contiguous axis (softmax, logsumexp, centre, root mean square) and sums.
// Long sums are taken in blocks: lanes inside a block, blocks in f64, so that f32 stays accurate.
import { expTerm, log } from "./functions";
import { bytes, lanes, largest, loadSome, storeSome, total, zero } from "./lanes";

const BLOCK: i32 = 512;

/** Arguments, in the order src/rows.ts writes them; eps is the first float. */
@unmanaged
class Rows {
  out: usize;
  a: usize;
  length: i32;
  what: i32;
  /** Query of a row: `(row / queryStep) % queries`. */
  queryStep: i32;
  queries: i32;
  /** A query sees the keys `query + offset − window < key ≤ query + offset`. */
  offset: i32;
  window: i32;
}

const SOFTMAX = 0, LOGSUMEXP = 1, CENTER = 2;

/** Σ a, or Σ a² where `squared`. */
@inline
export function sumLine<T>(a: usize, n: i32, squared: bool): f64 {
  let sum: f64 = 0;
  for (let start = 0; start < n; start += BLOCK) {
    const count = min(BLOCK, n - start);
    const end = a + bytes<T>(count & -(2 * lanes<T>()));
    let s = zero<T>(), t = zero<T>();
    for (; a < end; a += 32) {
      const u = v128.load(a), v = v128.load(a, 16);
      s = v128.add<T>(s, squared ? v128.mul<T>(u, u) : u);
      t = v128.add<T>(t, squared ? v128.mul<T>(v, v) : v);
    }
    sum += <f64>total<T>(v128.add<T>(s, t));
    for (let i = count & -(2 * lanes<T>()); i < count; i++) {
      const x = <f64>load<T>(a);
      sum += squared ? x * x : x;
      a += sizeof<T>();
    }
  }
  return sum;
}

@inline
function maxLine<T>(a: usize, n: i32): T {
  const whole = n & -(2 * lanes<T>());
  const end = a + bytes<T>(whole);
  let m = v128.splat<T>(<T>-Infinity), o = m;
  // NaN may be passed over here; it reaches the sum of exponentials.
  for (; a < end; a += 32) {
    m = v128.pmax<T>(m, v128.load(a));
    o = v128.pmax<T>(o, v128.load(a, 16));
  }
  let most = largest<T>(v128.pmax<T>(m, o));
  for (let i = whole; i < n; i++) {
    most = max<T>(most, load<T>(a));
    a += sizeof<T>();
  }
  return most;
}

/** out = exp(a − most), and its sum; nothing is written where `out` is 0. */
@inline
function expLine<T>(out: usize, a: usize, n: i32, most: T): f64 {
  const top = v128.splat<T>(most);
  let sum: f64 = 0;
  for (let start = 0; start < n; start += BLOCK) {
    const count = min(BLOCK, n - start);
    const whole = count & -lanes<T>();
    const end = a + bytes<T>(whole);
    let s = zero<T>();
    for (; a < end; a += 16) {
      const e = expTerm<T>(v128.sub<T>(v128.load(a), top));
      s = v128.add<T>(s, e);
      if (out != 0) {
        v128.store(out, e);
        out += 16;
      }
    }
    sum += <f64>total<T>(s);
    const left = count - whole;
    if (left > 0) {
      const e = expTerm<T>(v128.sub<T>(loadSome<T>(a, left), top));
      if (out != 0) storeSome<T>(out, e, left);
      // Lanes past the end hold exp(−most), which is left out.
      sum += <f64>v128.extract_lane<T>(e, 0);
      if (sizeof<T>() == 4) {
        if (left > 1) sum += <f64>f32x4.extract_lane(e, 1);
        if (left > 2) sum += <f64>f32x4.extract_lane(e, 2);
      }
    }
  }
  return sum;
}

/** out = 0. A call of `memory.fill` costs more than the few numbers of most rows. */
@inline
function zeroLine<T>(out: usize, n: i32): void {
  const end = out + bytes<T>(n & -lanes<T>());
  for (; out < end; out += 16) v128.store(out, zero<T>());
  const left = n & (lanes<T>() - 1);
  if (left > 0) storeSome<T>(out, zero<T>(), left);
}

/** out = a·factor + shift */
@inline
export function affineLine<T>(out: usize, a: usize, n: i32, factor: T, shift: T): void {
  const f = v128.splat<T>(factor), g = v128.splat<T>(shift);
  const end = a + bytes<T>(n & -lanes<T>());
  for (; a < end; a += 16) {
    v128.store(out, v128.add<T>(v128.mul<T>(v128.load(a), f), g));
    out += 16;
  }
  for (let i = n & -lanes<T>(); i < n; i++) {
    store<T>(out, <T>(load<T>(a) * factor + shift));
    out += sizeof<T>();
    a += sizeof<T>();
  }
}

function softmaxRow<T>(job: Rows, row: i32): void {
  const n = job.length;
  let first = 0;
  let end = n;
  if (job.queries > 0) {
    const latest = ((row / job.queryStep) % job.queries) + job.offset;
    end = min(n, latest + 1);
    first = max(0, latest + 1 - job.window);
  }
  const out = job.out + bytes<T>(n) * row;
  const a = job.a + bytes<T>(n) * row + bytes<T>(first);
  zeroLine<T>(out, first);
  zeroLine<T>(out + bytes<T>(end), n - end);
  const line = out + bytes<T>(first);
  const sum = expLine<T>(line, a, end - first, maxLine<T>(a, end - first));
  affineLine<T>(line, line, end - first, <T>(1 / sum), <T>0);
}

function logsumexpRow<T>(a: usize, n: i32): T {
  const most = maxLine<T>(a, n);
  if (most == <T>-Infinity) return most;
  const sum = expLine<T>(0, a, n, most);
  return <T>(<f64>most + f64x2.extract_lane(log<f64>(f64x2.splat(sum)), 0));
}

/** Rows `from ≤ row < to`. */
export function rows<T>(args: usize, floats: usize, from: i32, to: i32): void {
  const job = changetype<Rows>(args);
  const n = job.length;
  for (let row = from; row < to; row++) {
    const a = job.a + bytes<T>(n) * row;
    if (job.what == SOFTMAX) softmaxRow<T>(job, row);
    else if (job.what == LOGSUMEXP) store<T>(job.out + bytes<T>(row), logsumexpRow<T>(a, n));
    else if (job.what == CENTER) {
      affineLine<T>(job.out + bytes<T>(n) * row, a, n, <T>1, <T>(-sumLine<T>(a, n, false) / n));
    } else {
      const mean = sumLine<T>(a, n, true) / n;
      store<T>(job.out + bytes<T>(row), <T>sqrt<f64>(mean + load<f64>(floats)));
    }
  }
}

/** Arguments, in the order src/rows.ts writes them: `a` is [outer, length, inner]. */
@unmanaged
class Sum {
  out: usize;
  a: usize;
  length: i32;
  inner: i32;
}

/** Σ over the middle axis where nothing follows it: one number a row. */
export function sumRows<T>(args: usize, from: i32, to: i32): void {
  const job = changetype<Sum>(args);
  for (let row = from; row < to; row++) {
    store<T>(job.out + bytes<T>(row), <T>sumLine<T>(job.a + bytes<T>(job.length) * row, job.length, false));
  }
}

/** Columns summed at a time; also written in src/rows.ts. */
const COLUMNS: i32 = 64;

/** Σ over the middle axis, by strips of 64 inner numbers: `from ≤ strip < to`, counted over outer then inner. */
export function sumColumns<T>(args: usize, from: i32, to: i32): void {
  const job = changetype<Sum>(args);
  const strips = (job.inner + COLUMNS - 1) / COLUMNS;
  const line = bytes<T>(job.inner);
  for (let strip = from; strip < to; strip++) {
    const outer = strip / strips;
    const column = (strip - outer * strips) * COLUMNS;
    const end = min(column + COLUMNS, job.inner);
    const a = job.a + line * job.length * outer;
    const out = job.out + line * outer;
    let i = column;
    for (; i + 4 * lanes<T>() <= end; i += 4 * lanes<T>()) {
      sumFour<T>(out + bytes<T>(i), a + bytes<T>(i), line, job.length);
    }
    for (; i < end; i++) {
      let from = a + bytes<T>(i);
      let sum: f64 = 0;
      for (let p = 0; p < job.length; p++) {
        sum += <f64>load<T>(from);
        from += line;
      }
      store<T>(out + bytes<T>(i), <T>sum);
    }
  }
}

/** Four vectors of columns; partial sums of 64 rows, then their sum, so that the error grows slowly. */
function sumFour<T>(out: usize, a: usize, line: usize, length: i32): void {
  let t0 = zero<T>(), t1 = zero<T>(), t2 = zero<T>(), t3 = zero<T>();
  for (let start = 0; start < length; start += 64) {
    const count = min(64, length - start);
    let s0 = zero<T>(), s1 = zero<T>(), s2 = zero<T>(), s3 = zero<T>();
    for (let p = 0; p < count; p++) {
      s0 = v128.add<T>(s0, v128.load(a));
      s1 = v128.add<T>(s1, v128.load(a, 16));
      s2 = v128.add<T>(s2, v128.load(a, 32));
      s3 = v128.add<T>(s3, v128.load(a, 48));
      a += line;
    }
    t0 = v128.add<T>(t0, s0);
    t1 = v128.add<T>(t1, s1);
    t2 = v128.add<T>(t2, s2);
    t3 = v128.add<T>(t3, s3);
  }
  v128.store(out, t0);
  v128.store(out, t1, 16);
  v128.store(out, t2, 32);
  v128.store(out, t3, 48);
}
