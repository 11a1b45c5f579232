// C ← C + factor·A·B, packed and tiled as in ../matmul.ts, over matrices in any order of rows and columns.
import { take } from "./arena";

/** Terms, rows and columns of one packed block: B's block stays in the second cache, A's in the first. */
const TERMS: i32 = 256;
const ROWS: i32 = 64;
const COLUMNS: i32 = 256;

let packedA: usize = 0;
let packedB: usize = 0;
let edge: usize = 0;

/** Takes the memory that products need; false where there is none. */
export function beginProducts(): bool {
  packedA = take(TERMS * ROWS);
  packedB = take(TERMS * COLUMNS);
  edge = take(16);
  return packedA != 0 && packedB != 0 && edge != 0;
}

/** Copies `k × n` numbers as panels of `width` (2 or 8) columns; the last panel is filled up with zeros. */
function pack(
  k: i32, n: i32, width: i32, factor: f64, from: usize, termStep: usize, columnStep: usize, to: usize,
): void {
  for (let j = 0; j < n; j += width) {
    const live = min(width, n - j);
    if (columnStep == 8 && live == 8) {
      const f = f64x2.splat(factor);
      let source = from + ((<usize>j) << 3);
      for (let p = 0; p < k; p++) {
        v128.store(to, f64x2.mul(f, v128.load(source)));
        v128.store(to, f64x2.mul(f, v128.load(source, 16)), 16);
        v128.store(to, f64x2.mul(f, v128.load(source, 32)), 32);
        v128.store(to, f64x2.mul(f, v128.load(source, 48)), 48);
        source += termStep;
        to += 64;
      }
    } else {
      for (let c = 0; c < width; c++) {
        let source = from + <usize>(j + c) * columnStep;
        let target = to + (<usize>c << 3);
        for (let p = 0; p < k; p++) {
          store<f64>(target, c < live ? factor * load<f64>(source) : 0);
          source += termStep;
          target += <usize>width << 3;
        }
      }
      to += (<usize>width * <usize>k) << 3;
    }
  }
}

/** A tile of 2 × 8 sums is added to two rows of C. */
function tile(k: i32, a: usize, b: usize, c0: usize, c1: usize): void {
  let s00 = f64x2.splat(0), s01 = f64x2.splat(0), s02 = f64x2.splat(0), s03 = f64x2.splat(0);
  let s10 = f64x2.splat(0), s11 = f64x2.splat(0), s12 = f64x2.splat(0), s13 = f64x2.splat(0);
  const end = b + (<usize>k << 6);
  do {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    const x0 = v128.load64_splat(a);
    s00 = f64x2.add(s00, f64x2.mul(x0, b0));
    s01 = f64x2.add(s01, f64x2.mul(x0, b1));
    s02 = f64x2.add(s02, f64x2.mul(x0, b2));
    s03 = f64x2.add(s03, f64x2.mul(x0, b3));
    const x1 = v128.load64_splat(a, 8);
    s10 = f64x2.add(s10, f64x2.mul(x1, b0));
    s11 = f64x2.add(s11, f64x2.mul(x1, b1));
    s12 = f64x2.add(s12, f64x2.mul(x1, b2));
    s13 = f64x2.add(s13, f64x2.mul(x1, b3));
    a += 16;
    b += 64;
  } while (b < end);
  v128.store(c0, f64x2.add(v128.load(c0), s00));
  v128.store(c0, f64x2.add(v128.load(c0, 16), s01), 16);
  v128.store(c0, f64x2.add(v128.load(c0, 32), s02), 32);
  v128.store(c0, f64x2.add(v128.load(c0, 48), s03), 48);
  v128.store(c1, f64x2.add(v128.load(c1), s10));
  v128.store(c1, f64x2.add(v128.load(c1, 16), s11), 16);
  v128.store(c1, f64x2.add(v128.load(c1, 32), s12), 32);
  v128.store(c1, f64x2.add(v128.load(c1, 48), s13), 48);
}

/** A tile of which only `rows × columns` sums belong to C. */
function edgeTile(k: i32, a: usize, b: usize, c: usize, step: usize, rows: i32, columns: i32): void {
  memory.fill(edge, 0, 128);
  tile(k, a, b, edge, edge + 64);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const to = c + <usize>i * step + (<usize>j << 3);
      store<f64>(to, load<f64>(to) + load<f64>(edge + (<usize>(8 * i + j) << 3)));
    }
  }
}

/**
 * `C[i, j] ← C[i, j] + factor·Σ_p A[i, p]·B[p, j]` for `m × k` times `k × n`. Of A and B one step, to the
 * next row or to the next column, is given in numbers for each; C is by rows.
 */
export function product(
  m: i32, n: i32, k: i32, factor: f64,
  a: usize, aRow: i32, aColumn: i32,
  b: usize, bRow: i32, bColumn: i32,
  c: usize, cRow: i32,
): void {
  const aRowBytes = <usize>aRow << 3, aColumnBytes = <usize>aColumn << 3;
  const bRowBytes = <usize>bRow << 3, bColumnBytes = <usize>bColumn << 3, step = <usize>cRow << 3;
  for (let j = 0; j < n; j += COLUMNS) {
    const columns = min(COLUMNS, n - j);
    for (let p = 0; p < k; p += TERMS) {
      const terms = min(TERMS, k - p);
      const bFrom = b + <usize>p * bRowBytes + <usize>j * bColumnBytes;
      pack(terms, columns, 8, 1, bFrom, bRowBytes, bColumnBytes, packedB);
      for (let i = 0; i < m; i += ROWS) {
        const rows = min(ROWS, m - i);
        const aFrom = a + <usize>i * aRowBytes + <usize>p * aColumnBytes;
        pack(terms, rows, 2, factor, aFrom, aColumnBytes, aRowBytes, packedA);
        for (let jj = 0; jj < columns; jj += 8) {
          const bTile = packedB + ((<usize>jj * <usize>terms) << 3);
          for (let ii = 0; ii < rows; ii += 2) {
            const aTile = packedA + ((<usize>ii * <usize>terms) << 3);
            const to = c + <usize>(i + ii) * step + (<usize>(j + jj) << 3);
            if (ii + 2 <= rows && jj + 8 <= columns) tile(terms, aTile, bTile, to, to + step);
            else edgeTile(terms, aTile, bTile, to, step, min(2, rows - ii), min(8, columns - jj));
          }
        }
      }
    }
  }
}
