// Runs a kernel over a range of items, alone or with the worker threads. Items are handed out in chunks of
// fixed size, so what is computed does not depend on which thread computes it.
import { adam } from "./adam";
import { copy, fill, put, take, transpose } from "./copy";
import { Finish, finish, finishBlock } from "./finish";
import { widen } from "./half";
import { map, zip } from "./map";
import { matmul } from "./matmul";
import { norm } from "./norm";
import { pairDots, pairSums } from "./pairs";
import { rotary } from "./rotary";
import { rows, sumColumns, sumRows } from "./rows";
import { thinColumns, thinTerms } from "./thin";
import { top } from "./top";

/** Blocks of a product on the system's BLAS: worker/native.js. */
// @ts-ignore: decorator
@external("env", "native")
declare function native(args: usize, from: i32, to: i32): void;

// The control block, in bytes; see src/pool.ts. What threads write often has its own cache line.
const REMAINING: usize = 64;
const DONE: usize = 128;
const KERNEL: usize = 192;
const ITEMS: usize = 196;
const CHUNK: usize = 200;
const FLOATS: usize = 208;
const ARGS: usize = 256;

// Of a product on the BLAS, behind its first words: its blocks, and where its finish stands, in words; 0 for none. The
// same in src/blas/product.ts.
const ROWS: usize = 12;
const COLUMNS: usize = 16;
const BLOCK_ROWS: usize = 52;
const BLOCK_COLUMNS: usize = 56;
const FINISH: usize = 68;

/** Blocks of a product on the BLAS, each finished while it is near. */
@inline
function product<T>(args: usize, from: i32, to: i32): void {
  const place = load<i32>(args + FINISH);
  if (place == 0) return native(args, from, to);
  const job = changetype<Finish>(args + (<usize>place << 2));
  const m = load<i32>(args + ROWS), n = load<i32>(args + COLUMNS);
  const blockM = load<i32>(args + BLOCK_ROWS), blockN = load<i32>(args + BLOCK_COLUMNS);
  const across = (n + blockN - 1) / blockN;
  for (let block = from; block < to; block++) {
    native(args, block, block + 1);
    const row = (block / across) * blockM, column = (block % across) * blockN;
    finishBlock<T>(job, row, min(blockM, m - row), column, min(blockN, n - column));
  }
}

function kernel<T>(control: usize, from: i32, to: i32, thread: i32): void {
  const args = control + ARGS;
  const floats = control + FLOATS;
  switch (load<i32>(control + KERNEL)) {
    case 0:
      return matmul<T>(args, from, to, thread);
    case 1:
      return thinColumns<T>(args, from, to, thread);
    case 2:
      return thinTerms<T>(args, from, to, thread);
    case 3:
      return map<T>(args, floats, from, to);
    case 4:
      return zip<T>(args, from, to);
    case 5:
      return copy<T>(args, from, to);
    case 6:
      return transpose<T>(args, from, to);
    case 7:
      return take<T>(args, from, to);
    case 8:
      return put<T>(args, from, to);
    case 9:
      return fill<T>(args, floats, from, to);
    case 10:
      return rows<T>(args, floats, from, to);
    case 11:
      return sumRows<T>(args, from, to);
    case 12:
      return sumColumns<T>(args, from, to);
    case 13:
      return rotary<T>(args, from, to);
    case 14:
      return product<T>(args, from, to);
    case 15:
      return widen<T>(args, from, to);
    case 16:
      return copy<u16>(args, from, to);
    case 17:
      return transpose<u16>(args, from, to);
    case 18:
      return take<u16>(args, from, to);
    case 19:
      return top<T>(args, from, to);
    case 20:
      return pairDots<T>(args, from, to);
    case 21:
      return pairSums<T>(args, from, to);
    case 22:
      return adam<T>(args, from, to);
    case 23:
      return finish<T>(args, from, to);
    case 24:
      return norm<T>(args, floats, from, to);
    default:
      unreachable();
  }
}

/**
 * Takes chunks until there are none. Counting down to 0 keeps a late thread out of the next job's arguments.
 * Waiting, for work or for the others, is done by the callers in JavaScript (src/pool.ts, worker/serve.js).
 */
export function work<T>(control: usize, thread: i32): void {
  while (true) {
    const chunk = atomic.sub<i32>(control + REMAINING, 1) - 1;
    if (chunk < 0) return;
    const size = load<i32>(control + CHUNK);
    const from = chunk * size;
    const last = (load<i32>(control + ITEMS) - 1) / size;
    kernel<T>(control, from, chunk == last ? load<i32>(control + ITEMS) : from + size, thread);
    if (atomic.add<i32>(control + DONE, 1) == last) atomic.notify(control + DONE, 1);
  }
}

/** All items on the calling thread, which is the main one. */
export function all<T>(control: usize): void {
  kernel<T>(control, 0, load<i32>(control + ITEMS), 0);
}
