import { countOf, type Loop, swapped } from "@resolvent/tensor/rules";
import type { Finishing } from "../finish.ts";
import { kernels } from "../kernels.ts";
import type { Machine } from "../machine.ts";
import type { Operands, Plan } from "../plan.ts";
import type { CpuTensor } from "../tensor.ts";

/** Below this many multiplications a call of the library the WebAssembly kernels are used, which need none. */
const SMALLEST_CALL = 4096;

/** With fewer rows (or columns) than this, each is a product of the matrix with a vector. */
const THIN = 8;

/** Terms that lie together, at least, where a sum takes several calls: each reads and writes the result. */
const SHORTEST_SUM = 16;

/**
 * Multiplications of a block, at least and mostly at most, and into how many blocks a product is cut between. Each call
 * packs what its block needs of both sides, so that few blocks are faster: by 10 % than 16, with two threads.
 */
const SMALLEST_BLOCK = 2 ** 23;
const LARGE_BLOCK = 2 ** 27;
const BLOCKS = 4;

/**
 * The same of very large products, as of a dictionary's encoder: blocks grow on where there stay enough of them for many
 * threads. Blocks of 2 ** 29 take 10 % less than those of 2 ** 27.
 */
const LARGEST_BLOCK = 2 ** 30;
const MANY_BLOCKS = 32;

/** Bytes of a block of the matrix where rows are few: it stays in the second-level cache for all of them. */
const THIN_BYTES = 512 * 1024;

/** An axis that is not there: one turn, and lines of length one. */
const ONCE: readonly Loop[] = [{ size: 1, steps: [1, 1] }];

/** Three loops that are a product of matrices, and those around it. */
interface Inner {
  readonly row: Loop;
  readonly column: Loop;
  readonly term: Loop;
  /** Steps: [a, b, c]. */
  readonly batches: readonly Loop[];
  /** Loops whose products are added up. Steps: [a, b]. */
  readonly sums: readonly Loop[];
}

/**
 * Computes a product on the system's BLAS, in place, where its memory order allows it and it is worth a call.
 *
 * BLAS reads a matrix whose rows or columns are adjacent numbers. So one loop over rows, one over columns and
 * one over terms make a product of matrices; all other loops go around it. How it is cut into blocks depends
 * on its shape only, not on the number of threads.
 *
 * @param then done block by block, where blocks are lines of the result
 * @returns undefined where it was not computed, else whether it is finished
 */
export function multiplyNatively(
  machine: Machine,
  plan: Plan,
  [a, b]: Operands,
  c: CpuTensor,
  then?: Pick<Finishing, "fits" | "args">,
): { readonly finished: boolean } | undefined {
  const known = jobs[machine.width];
  const job = known.has(plan) ? known.get(plan) : jobOf(plan, machine.width);
  known.set(plan, job);
  if (job === undefined) return undefined;
  const [left, right] = job.transposed ? [b, a] : [a, b];
  const finish = job.width > 0 && then?.fits(job.width) ? then.args(job.width) : undefined;
  machine.run(kernels.native, job.blocks, job.cost, [
    ...[machine.at(left), machine.at(right), c.start, ...job.sizes],
    ...[finish === undefined ? 0 : 18 + job.loops.length, ...job.loops, ...(finish ?? [])],
  ]);
  return { finished: finish !== undefined };
}

/** What calls of the library a product is, whatever tensors it is of. */
interface Job {
  readonly transposed: boolean;
  readonly blocks: number;
  /** Nanoseconds of a block, about. */
  readonly cost: number;
  /** Sizes, steps and blocks, in the order of worker/native.js. */
  readonly sizes: readonly number[];
  readonly loops: readonly number[];
  /** Numbers of a line of the result, where blocks are lines of it; else 0. */
  readonly width: number;
}

/** By the width of numbers. */
const jobs = { 4: new WeakMap<Plan, Job | undefined>(), 8: new WeakMap<Plan, Job | undefined>() };

/** Undefined where a product suits no call. */
function jobOf(plan: Plan, width: 4 | 8): Job | undefined {
  const found = innerOf(plan);
  if (found === undefined) return undefined;
  const turns = needsTransposing(found);
  const { row, column, term, batches, sums } = turns ? transposed(found) : found;
  const [m, n, k] = [row.size, column.size, term.size];
  const thin = m < THIN;
  const [blockM, blockN] = thin
    ? [m, Math.max(64, Math.ceil(THIN_BYTES / width / k / 64) * 64)]
    : blocksOf(m, n, k);
  const blocks = Math.ceil(m / blockM) * Math.ceil(n / blockN);
  const work = Math.min(m, blockM) * Math.min(n, blockN) * k * countOf(sums);
  return {
    transposed: turns,
    blocks: blocks * countOf(batches),
    // Of a multiplication and addition, of a core with 256-bit vectors.
    cost: work * width * (thin ? 0.016 : 0.004),
    sizes: [
      ...[m, n, k, thin ? 1 : 0, row.steps[0], term.steps[0], term.steps[1], column.steps[0]],
      ...[row.steps[1], column.steps[1], blockM, blockN, batches.length, sums.length],
    ] as number[], // rows and columns have two steps, terms two
    loops: [...batches, ...sums].flatMap(({ size, steps }) => [size, ...steps]),
    width: batches.length === 0 && (m === 1 || row.steps[1] === n) ? n : 0,
  };
}

/** The choice of loops that does most in one call, where that is enough. */
function innerOf(plan: Plan): Inner | undefined {
  let best: Inner | undefined;
  let most = SMALLEST_CALL - 1;
  for (const row of or(plan.rows)) {
    for (const column of or(plan.columns)) {
      for (const term of or(plan.terms)) {
        const work = row.size * column.size * term.size;
        const cut = term.size < SHORTEST_SUM && plan.terms.length > 1;
        // A few rows are as many calls.
        const call = work / (isThin(row, column) ? Math.min(row.size, column.size) : 1);
        if (work <= most || call < SMALLEST_CALL || cut || !fits(row, column, term)) continue;
        most = work;
        best = {
          ...{ row, column, term },
          batches: [
            ...plan.batches,
            ...others(plan.rows, row, ([a, c]) => [a, 0, c]),
            ...others(plan.columns, column, ([b, c]) => [0, b, c]),
          ],
          sums: others(plan.terms, term, (steps) => steps),
        };
      }
    }
  }
  return best;
}

function or(loops: readonly Loop[]): readonly Loop[] {
  return loops.length === 0 ? ONCE : loops;
}

function others(
  loops: readonly Loop[],
  taken: Loop,
  steps: (of: number[]) => (number | undefined)[],
): Loop[] {
  return loops
    .filter((loop) => loop !== taken)
    .map((loop) => ({ size: loop.size, steps: steps([...loop.steps]) as number[] })); // two steps each
}

function isThin(row: Loop, column: Loop): boolean {
  return Math.min(row.size, column.size) < THIN;
}

/** Whether adjacent numbers are where BLAS needs them. */
function fits(row: Loop, column: Loop, term: Loop): boolean {
  const left = row.steps[0] === 1 || term.steps[0] === 1;
  const right = column.steps[0] === 1 || term.steps[1] === 1;
  if (isThin(row, column)) return row.size <= column.size ? right : left; // vectors may have any step
  return left && right && (row.steps[1] === 1 || column.steps[1] === 1);
}

/** Cᵀ = BᵀAᵀ: the result's rows are to be adjacent, or the few. */
function needsTransposing({ row, column }: Inner): boolean {
  return isThin(row, column) ? column.size < row.size : column.steps[1] !== 1;
}

function transposed({ row, column, term, batches, sums }: Inner): Inner {
  return {
    row: column,
    column: row,
    term: swapped(term),
    batches: batches.map(swapped),
    sums: sums.map(swapped),
  };
}

/** Rows and columns of a block: the longer side is halved until blocks are small and many enough. */
function blocksOf(m: number, n: number, k: number): [blockM: number, blockN: number] {
  const work = m * n * k;
  const largest = Math.max(LARGE_BLOCK, Math.min(LARGEST_BLOCK, work / MANY_BLOCKS));
  const target = Math.min(largest, Math.max(SMALLEST_BLOCK, work / BLOCKS));
  let [blockM, blockN] = [m, n];
  while (blockM * blockN * k >= 2 * target && Math.max(blockM, blockN) >= 128) {
    if (blockN >= blockM) blockN = Math.ceil(blockN / 2 / 32) * 32;
    else blockM = Math.ceil(blockM / 2 / 32) * 32;
  }
  return [blockM, blockN];
}
