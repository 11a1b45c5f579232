// C[g,i,j] = Σ_k A[g,i,k]·B[g,k,j]. Where an entry lies is a sum of table entries (see pack.ts), so the caller
// names axes in any order. Blocked as in Goto and van de Geijn, Anatomy of High-Performance Matrix
// Multiplication, ACM TOMS 34 (2008). Each output is summed in blocks of BLOCK_K, whatever the tile, the
// blocking or the number of threads, so results do not depend on them.
import { bytes } from "./lanes";
import { adjacent, pack } from "./pack";
import { tile2x4, tile4x2, tile4x4, tile6x4, tileColumns, tileRows } from "./tile";

/** Terms added before the partial sum goes to memory; also written in src/matmul.ts. */
const BLOCK_K: i32 = 256;
/** Rows of A packed at a time: 192 × 256 numbers stay in the second-level cache. */
const BLOCK_M: i32 = 192;

/** Arguments, in the order src/matmul.ts writes them. */
@unmanaged
export class Matmul {
  a: usize;
  b: usize;
  c: usize;
  m: i32;
  n: i32;
  k: i32;
  rowA: usize;
  rowC: usize;
  columnB: usize;
  columnC: usize;
  kA: usize;
  kB: usize;
  batchA: usize;
  batchB: usize;
  batchC: usize;
  blockM: i32;
  blockN: i32;
  tile: i32;
  scratch: usize;
  scratchStep: usize;
}

@inline
function entry(table: usize, i: i32): usize {
  return <usize>load<u32>(table + (<usize>i << 2));
}

/** Computes the blocks `from ≤ block < to` of C, counted over batches, then rows, then columns. */
export function matmul<T>(args: usize, from: i32, to: i32, thread: i32): void {
  const job = changetype<Matmul>(args);
  const blocksN = (job.n + job.blockN - 1) / job.blockN;
  const blocksM = (job.m + job.blockM - 1) / job.blockM;
  for (let block = from; block < to; block++) {
    const column = (block % blocksN) * job.blockN;
    const rest = block / blocksN;
    const row = (rest % blocksM) * job.blockM;
    matmulBlock<T>(
      job,
      rest / blocksM,
      row, min(job.blockM, job.m - row),
      column, min(job.blockN, job.n - column),
      job.scratch + job.scratchStep * thread,
    );
  }
}

function matmulBlock<T>(
  job: Matmul, batch: i32, row: i32, rows: i32, column: i32, columns: i32, scratch: usize,
): void {
  const height = tileRows(job.tile);
  const width = tileColumns<T>(job.tile);
  const a = job.a + entry(job.batchA, batch) * sizeof<T>();
  const b = job.b + entry(job.batchB, batch) * sizeof<T>();
  const c = job.c + entry(job.batchC, batch) * sizeof<T>();
  // Scratch: one tile of C, then a block of A, then one of B, each rounded up to whole panels.
  const packedA = scratch + (WIDE ? 384 : 256);
  const packedRows = min(rows, BLOCK_M);
  const wholeRows = WIDE ? (packedRows + 11) / 12 * 12 : (packedRows + 3) & ~3;
  const packedB = packedA + bytes<T>(wholeRows * min(job.k, BLOCK_K));
  for (let p = 0; p < job.k; p += BLOCK_K) {
    const k = min(BLOCK_K, job.k - p);
    pack<T>(packedB, b, width, columns, k, job.columnB + (<usize>column << 2), job.kB + (<usize>p << 2));
    for (let i = 0; i < rows; i += BLOCK_M) {
      const some = min(BLOCK_M, rows - i);
      const rowTable = <usize>(row + i) << 2;
      pack<T>(packedA, a, height, some, k, job.rowA + rowTable, job.kA + (<usize>p << 2));
      for (let j = 0; j < columns; j += width) {
        panels<T>(
          job.tile, k, packedA, packedB + bytes<T>(j) * k, c,
          job.rowC + rowTable, some,
          job.columnC + (<usize>(column + j) << 2), min(width, columns - j),
          scratch, p > 0,
        );
      }
    }
  }
}

/** All row panels of A against one column panel of B. */
function panels<T>(
  tile: i32, k: i32, a: usize, b: usize, c: usize,
  rowC: usize, rows: i32, columnC: usize, columns: i32,
  spare: usize, accumulate: bool,
): void {
  const height = tileRows(tile);
  const width = tileColumns<T>(tile);
  const direct = columns == width && adjacent(columnC, width);
  const start = c + entry(columnC, 0) * sizeof<T>();
  const line = bytes<T>(width);
  for (let i = 0; i < rows; i += height) {
    const table = rowC + (<usize>i << 2);
    if (direct && i + height <= rows) {
      const c0 = start + entry(table, 0) * sizeof<T>();
      const c1 = start + entry(table, 1) * sizeof<T>();
      if (tile == 0) tile2x4<T>(k, a, b, c0, c1, accumulate);
      else {
        const c2 = start + entry(table, 2) * sizeof<T>();
        const c3 = start + entry(table, 3) * sizeof<T>();
        if (WIDE && tile == 3) {
          const c4 = start + entry(table, 4) * sizeof<T>();
          const c5 = start + entry(table, 5) * sizeof<T>();
          tile6x4<T>(k, a, b, c0, c1, c2, c3, c4, c5, accumulate);
        } else if (tile == 1) tile4x2<T>(k, a, b, c0, c1, c2, c3, accumulate);
        else tile4x4<T>(k, a, b, c0, c1, c2, c3, accumulate);
      }
    } else {
      // An edge, or columns that do not lie together: through a spare tile, entry by entry.
      if (tile == 0) tile2x4<T>(k, a, b, spare, spare + line, false);
      else if (tile == 1) tile4x2<T>(k, a, b, spare, spare + line, spare + 2 * line, spare + 3 * line, false);
      else if (WIDE && tile == 3) {
        const s3 = spare + 3 * line;
        tile6x4<T>(k, a, b, spare, spare + line, spare + 2 * line, s3, s3 + line, s3 + 2 * line, false);
      }
      else tile4x4<T>(k, a, b, spare, spare + line, spare + 2 * line, spare + 3 * line, false);
      scatter<T>(spare, line, c, table, min(height, rows - i), columnC, columns, accumulate);
    }
    a += bytes<T>(height) * k;
  }
}

function scatter<T>(
  spare: usize, line: usize, c: usize, rowC: usize, rows: i32, columnC: usize, columns: i32, accumulate: bool,
): void {
  for (let i = 0; i < rows; i++) {
    const start = c + entry(rowC, i) * sizeof<T>();
    for (let j = 0; j < columns; j++) {
      const at = start + entry(columnC, j) * sizeof<T>();
      const value = load<T>(spare + line * i + bytes<T>(j));
      store<T>(at, accumulate ? <T>(load<T>(at) + value) : value);
    }
  }
}
