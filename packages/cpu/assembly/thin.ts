// Matrix products with at most 8 rows. The big operand is read once, where it lies: packing it would cost
// more than the product. Two ways, by which axis of it is adjacent in memory.
import { bytes, lanes, madd, total, zero } from "./lanes";
import { Matmul } from "./matmul";

@inline
function entry(table: usize, i: i32): usize {
  return <usize>load<u32>(table + (<usize>i << 2));
}

/** Rows of A as lines of `k` adjacent numbers. */
function gatherRows<T>(job: Matmul, batch: i32, to: usize): void {
  const a = job.a + entry(job.batchA, batch) * sizeof<T>();
  for (let i = 0; i < job.m; i++) {
    const line = a + entry(job.rowA, i) * sizeof<T>();
    for (let p = 0; p < job.k; p++) {
      store<T>(to, load<T>(line + entry(job.kA, p) * sizeof<T>()));
      to += sizeof<T>();
    }
  }
}

/**
 * Columns of B adjacent: rows of B are added to rows of C, four at a time. The caller sees to it that each
 * block of `blockN` columns is a run of adjacent numbers.
 */
export function thinColumns<T>(args: usize, from: i32, to: i32, thread: i32): void {
  const job = changetype<Matmul>(args);
  const blocks = (job.n + job.blockN - 1) / job.blockN;
  const rows = job.scratch + job.scratchStep * thread;
  const sums = rows + bytes<T>(job.m * job.k);
  let gathered = -1;
  for (let block = from; block < to; block++) {
    const batch = block / blocks;
    const column = (block % blocks) * job.blockN;
    const columns = min(job.blockN, job.n - column);
    if (batch != gathered) gatherRows<T>(job, batch, rows);
    gathered = batch;
    const b = job.b + (entry(job.batchB, batch) + entry(job.columnB, column)) * sizeof<T>();
    memory.fill(sums, 0, bytes<T>(job.m * columns));
    let p = 0;
    for (; p + 4 <= job.k; p += 4) {
      const b0 = b + entry(job.kB, p) * sizeof<T>();
      const b1 = b + entry(job.kB, p + 1) * sizeof<T>();
      const b2 = b + entry(job.kB, p + 2) * sizeof<T>();
      const b3 = b + entry(job.kB, p + 3) * sizeof<T>();
      let i = 0;
      for (; i + 2 <= job.m; i += 2) {
        const y = sums + bytes<T>(i * columns), x = rows + bytes<T>(i * job.k + p);
        addEight<T>(y, y + bytes<T>(columns), b0, b1, b2, b3, x, x + bytes<T>(job.k), columns);
      }
      if (i < job.m) {
        addFour<T>(sums + bytes<T>(i * columns), b0, b1, b2, b3, rows + bytes<T>(i * job.k + p), columns);
      }
    }
    for (; p < job.k; p++) {
      const b0 = b + entry(job.kB, p) * sizeof<T>();
      for (let i = 0; i < job.m; i++) {
        addOne<T>(sums + bytes<T>(i * columns), b0, load<T>(rows + bytes<T>(i * job.k + p)), columns);
      }
    }
    writeOut<T>(job, batch, column, columns, sums);
  }
}

/** y += x0·b0 + x1·b1 + x2·b2 + x3·b3 and z += w0·b0 + …, each as `addFour`: what is read of B serves two rows. */
function addEight<T>(
  y: usize, z: usize, b0: usize, b1: usize, b2: usize, b3: usize, x: usize, w: usize, n: i32,
): void {
  const v0 = v128.load_splat<T>(x), v1 = v128.load_splat<T>(x, sizeof<T>());
  const v2 = v128.load_splat<T>(x, 2 * sizeof<T>()), v3 = v128.load_splat<T>(x, 3 * sizeof<T>());
  const u0 = v128.load_splat<T>(w), u1 = v128.load_splat<T>(w, sizeof<T>());
  const u2 = v128.load_splat<T>(w, 2 * sizeof<T>()), u3 = v128.load_splat<T>(w, 3 * sizeof<T>());
  const whole = bytes<T>(n & -lanes<T>());
  for (let j: usize = 0; j < whole; j += 16) {
    const c0 = v128.load(b0 + j);
    let s = madd<T>(v0, c0, v128.load(y + j)), t = madd<T>(u0, c0, v128.load(z + j));
    const c1 = v128.load(b1 + j);
    s = madd<T>(v1, c1, s);
    t = madd<T>(u1, c1, t);
    const c2 = v128.load(b2 + j);
    s = madd<T>(v2, c2, s);
    t = madd<T>(u2, c2, t);
    const c3 = v128.load(b3 + j);
    v128.store(y + j, madd<T>(v3, c3, s));
    v128.store(z + j, madd<T>(u3, c3, t));
  }
  const rest = n & (lanes<T>() - 1);
  if (rest == 0) return;
  addFour<T>(y + whole, b0 + whole, b1 + whole, b2 + whole, b3 + whole, x, rest);
  addFour<T>(z + whole, b0 + whole, b1 + whole, b2 + whole, b3 + whole, w, rest);
}

/** y += x0·b0 + x1·b1 + x2·b2 + x3·b3 */
function addFour<T>(y: usize, b0: usize, b1: usize, b2: usize, b3: usize, x: usize, n: i32): void {
  const x0 = load<T>(x), x1 = load<T>(x + sizeof<T>());
  const x2 = load<T>(x + 2 * sizeof<T>()), x3 = load<T>(x + 3 * sizeof<T>());
  const v0 = v128.splat<T>(x0), v1 = v128.splat<T>(x1), v2 = v128.splat<T>(x2), v3 = v128.splat<T>(x3);
  const whole = bytes<T>(n & -lanes<T>());
  const end = bytes<T>(n);
  let j: usize = 0;
  for (; j < whole; j += 16) {
    let s = madd<T>(v0, v128.load(b0 + j), v128.load(y + j));
    s = madd<T>(v1, v128.load(b1 + j), s);
    s = madd<T>(v2, v128.load(b2 + j), s);
    v128.store(y + j, madd<T>(v3, v128.load(b3 + j), s));
  }
  for (; j < end; j += sizeof<T>()) {
    // As vectors, so that a number's sum does not depend on where its block ends.
    let s = madd<T>(v0, v128.splat<T>(load<T>(b0 + j)), v128.splat<T>(load<T>(y + j)));
    s = madd<T>(v1, v128.splat<T>(load<T>(b1 + j)), s);
    s = madd<T>(v2, v128.splat<T>(load<T>(b2 + j)), s);
    store<T>(y + j, v128.extract_lane<T>(madd<T>(v3, v128.splat<T>(load<T>(b3 + j)), s), 0));
  }
}

/** y += x·b */
function addOne<T>(y: usize, b: usize, x: T, n: i32): void {
  const v = v128.splat<T>(x);
  const end = bytes<T>(n);
  for (let j: usize = 0; j < end; j += sizeof<T>()) {
    const s = madd<T>(v, v128.splat<T>(load<T>(b + j)), v128.splat<T>(load<T>(y + j)));
    store<T>(y + j, v128.extract_lane<T>(s, 0));
  }
}

/** Terms of B adjacent: each output is a dot product of two lines. */
export function thinTerms<T>(args: usize, from: i32, to: i32, thread: i32): void {
  const job = changetype<Matmul>(args);
  const blocks = (job.n + job.blockN - 1) / job.blockN;
  const rows = job.scratch + job.scratchStep * thread;
  const sums = rows + bytes<T>(job.m * job.k);
  let gathered = -1;
  for (let block = from; block < to; block++) {
    const batch = block / blocks;
    const column = (block % blocks) * job.blockN;
    const columns = min(job.blockN, job.n - column);
    if (batch != gathered) gatherRows<T>(job, batch, rows);
    gathered = batch;
    const b = job.b + (entry(job.batchB, batch) + entry(job.kB, 0)) * sizeof<T>();
    let j = 0;
    for (; j + 4 <= columns; j += 4) {
      const b0 = b + entry(job.columnB, column + j) * sizeof<T>();
      const b1 = b + entry(job.columnB, column + j + 1) * sizeof<T>();
      const b2 = b + entry(job.columnB, column + j + 2) * sizeof<T>();
      const b3 = b + entry(job.columnB, column + j + 3) * sizeof<T>();
      let i = 0;
      for (; i + 2 <= job.m; i += 2) {
        const x = rows + bytes<T>(i * job.k);
        const y = sums + bytes<T>(i * columns + j);
        dotEight<T>(y, y + bytes<T>(columns), x, x + bytes<T>(job.k), b0, b1, b2, b3, job.k);
      }
      if (i < job.m) {
        dotFour<T>(sums + bytes<T>(i * columns + j), rows + bytes<T>(i * job.k), b0, b1, b2, b3, job.k);
      }
    }
    for (; j < columns; j++) {
      const b0 = b + entry(job.columnB, column + j) * sizeof<T>();
      for (let i = 0; i < job.m; i++) {
        store<T>(sums + bytes<T>(i * columns + j), dot<T>(rows + bytes<T>(i * job.k), b0, job.k));
      }
    }
    writeOut<T>(job, batch, column, columns, sums);
  }
}

/** Σ x·b: lanes first, then the lanes' total, then the rest one by one. Written once for each column count,
 * always with the same order of additions. */
function dot<T>(x: usize, b: usize, k: i32): T {
  const whole = bytes<T>(k & -lanes<T>());
  let s = zero<T>();
  for (let p: usize = 0; p < whole; p += 16) s = madd<T>(v128.load(x + p), v128.load(b + p), s);
  return rest<T>(s, x, b, whole, bytes<T>(k));
}

@inline
function rest<T>(s: v128, x: usize, b: usize, from: usize, to: usize): T {
  let sum = total<T>(s);
  for (let p = from; p < to; p += sizeof<T>()) sum = <T>(sum + load<T>(x + p) * load<T>(b + p));
  return sum;
}

function dotFour<T>(y: usize, x: usize, b0: usize, b1: usize, b2: usize, b3: usize, k: i32): void {
  const whole = bytes<T>(k & -lanes<T>());
  const end = bytes<T>(k);
  let s0 = zero<T>(), s1 = zero<T>(), s2 = zero<T>(), s3 = zero<T>();
  for (let p: usize = 0; p < whole; p += 16) {
    const v = v128.load(x + p);
    s0 = madd<T>(v, v128.load(b0 + p), s0);
    s1 = madd<T>(v, v128.load(b1 + p), s1);
    s2 = madd<T>(v, v128.load(b2 + p), s2);
    s3 = madd<T>(v, v128.load(b3 + p), s3);
  }
  store<T>(y, rest<T>(s0, x, b0, whole, end));
  store<T>(y + sizeof<T>(), rest<T>(s1, x, b1, whole, end));
  store<T>(y + 2 * sizeof<T>(), rest<T>(s2, x, b2, whole, end));
  store<T>(y + 3 * sizeof<T>(), rest<T>(s3, x, b3, whole, end));
}

function dotEight<T>(
  y: usize, z: usize, x: usize, w: usize, b0: usize, b1: usize, b2: usize, b3: usize, k: i32,
): void {
  const whole = bytes<T>(k & -lanes<T>());
  const end = bytes<T>(k);
  let s0 = zero<T>(), s1 = zero<T>(), s2 = zero<T>(), s3 = zero<T>();
  let t0 = zero<T>(), t1 = zero<T>(), t2 = zero<T>(), t3 = zero<T>();
  for (let p: usize = 0; p < whole; p += 16) {
    const u = v128.load(x + p), v = v128.load(w + p);
    const c0 = v128.load(b0 + p), c1 = v128.load(b1 + p), c2 = v128.load(b2 + p), c3 = v128.load(b3 + p);
    s0 = madd<T>(u, c0, s0);
    s1 = madd<T>(u, c1, s1);
    s2 = madd<T>(u, c2, s2);
    s3 = madd<T>(u, c3, s3);
    t0 = madd<T>(v, c0, t0);
    t1 = madd<T>(v, c1, t1);
    t2 = madd<T>(v, c2, t2);
    t3 = madd<T>(v, c3, t3);
  }
  store<T>(y, rest<T>(s0, x, b0, whole, end));
  store<T>(y + sizeof<T>(), rest<T>(s1, x, b1, whole, end));
  store<T>(y + 2 * sizeof<T>(), rest<T>(s2, x, b2, whole, end));
  store<T>(y + 3 * sizeof<T>(), rest<T>(s3, x, b3, whole, end));
  store<T>(z, rest<T>(t0, w, b0, whole, end));
  store<T>(z + sizeof<T>(), rest<T>(t1, w, b1, whole, end));
  store<T>(z + 2 * sizeof<T>(), rest<T>(t2, w, b2, whole, end));
  store<T>(z + 3 * sizeof<T>(), rest<T>(t3, w, b3, whole, end));
}

/** Sums `[m][columns]` to their places in C. */
function writeOut<T>(job: Matmul, batch: i32, column: i32, columns: i32, sums: usize): void {
  const c = job.c + entry(job.batchC, batch) * sizeof<T>();
  for (let i = 0; i < job.m; i++) {
    const line = c + entry(job.rowC, i) * sizeof<T>();
    for (let j = 0; j < columns; j++) {
      store<T>(line + entry(job.columnC, column + j) * sizeof<T>(), load<T>(sums));
      sums += sizeof<T>();
    }
  }
}
