import { type Axis, axesOf, type Finish, sizeOf, stridesOf } from "@resolvent/tensor";
import { adjacentRun, type Loop } from "@resolvent/tensor/rules";
import { fill } from "./copy.ts";
import { type Finishing, finishedApart, finishInPlace, finishing } from "./finish.ts";
import { inFull } from "./half.ts";
import { kernels } from "./kernels.ts";
import type { Machine } from "./machine.ts";
import { FEW_ROWS, type Operands, type Plan, planOf, productShape } from "./plan.ts";
import type { CpuTensor } from "./tensor.ts";

/** Terms summed at a time and rows packed at a time; the same as in assembly/matmul.ts. */
const BLOCK_K = 256;
const BLOCK_M = 192;

/** Bytes of the largest tile: a spare one stands before the packed blocks. */
const SPARE_BYTES = 384;

/** Bytes of a packed block of the right operand: what the second-level cache and its neighbour hold. */
const PACKED_BYTES = 1536 * 1024;

/** Columns of a block where rows are few: runs long enough for the memory, sums that stay in the cache. */
const THIN_COLUMNS = 1024;

/**
 * Blocks for each thread, at least, of a product that is worth cutting: with two, all wait for the one that comes late or
 * has half a core. Their columns are not cut below 128, nor their rows below 64.
 */
const BLOCKS_OF_THREAD = 8;

/** Columns that must lie together before rows of the right operand are added as lines. */
const SHORTEST_LINE = 16;

/** Entries that are widened at a time, where the other operand is multiplied part by part. */
const PANEL = 2 ** 22;

/**
 * See `Ops.matmul`. Every axis order is read and written in place; nothing is rearranged. An operand that is kept
 * in 16 bits is widened panel by panel where its slowest axis is a free one, so that a large matrix needs little
 * room: each number of the result is still one sum, over all terms.
 *
 * @param finish what is done with the product, while it is near where that can be
 */
export function matmul(
  machine: Machine,
  a: CpuTensor,
  b: CpuTensor,
  over: readonly Axis[],
  last: readonly Axis[] | undefined,
  finish: Finish<CpuTensor> = {},
): CpuTensor {
  const shape = productShape(a.shape, b.shape, over, last);
  machine.place(a);
  machine.place(b);
  if (over.some((axis) => a.shape[axis] === 0))
    return finishedApart(machine, fill(machine, shape, 0), finish);
  const c = machine.make(shape);
  if (sizeOf(shape) === 0) return c;
  const then = Object.keys(finish).length === 0 ? undefined : finishing(machine, c, finish);
  /** Whether it is finished, too. */
  const product = (
    left: CpuTensor,
    right: CpuTensor,
    into: CpuTensor,
    use?: Finishing,
  ): boolean => {
    const plan = planOf(left.shape, right.shape, over, shape);
    const operands: Operands = plan.turned ? [right, left] : [left, right];
    const done = machine.blas?.(machine, plan, operands, into, use);
    if (done === undefined) multiply(machine, plan, operands, into);
    return done?.finished ?? false;
  };
  let finished = false;
  if (a.half === undefined && b.half === undefined) finished = product(a, b, c, then);
  else if (b.half !== undefined) {
    const left = inFull(machine, a);
    inPanels(machine, b, a, over, c, (panel, into) => product(left, panel, into));
  } else inPanels(machine, a, b, over, c, (panel, into) => product(panel, b, into));
  if (finished) return c;
  if (then === undefined) return finishedApart(machine, c, finish);
  finishInPlace(machine, c, then);
  return c;
}

/** Widens `a` part by part along its slowest axis, where that is free, and gives each part its place in `c`. */
function inPanels(
  machine: Machine,
  a: CpuTensor,
  other: CpuTensor,
  over: readonly Axis[],
  c: CpuTensor,
  use: (panel: CpuTensor, into: CpuTensor) => unknown,
): void {
  const axis = axesOf(a.shape)[0] ?? "";
  const size = a.shape[axis] ?? 1;
  const free = axis in a.shape && !over.includes(axis) && !(axis in other.shape);
  const panels = free ? Math.min(size, Math.ceil(sizeOf(a.shape) / PANEL)) : 1;
  const inner = sizeOf(a.shape) / size;
  const step = stridesOf(c.shape)[axis] ?? 0;
  for (let panel = 0; panel < panels; panel++) {
    const [start, end] = [panel, panel + 1].map((n) => Math.round((n * size) / panels)) as [
      number,
      number,
    ];
    machine.scope(() => {
      const shape = panels === 1 ? a.shape : { ...a.shape, [axis]: end - start };
      const part = inFull(machine, machine.view(a, shape, start * inner));
      use(part, machine.view(c, c.shape, start * step));
    });
  }
}

function multiply(machine: Machine, plan: Plan, operands: Operands, c: CpuTensor): void {
  const { m, n, k, batch } = plan;
  const line = adjacentRun(plan.columns, 0);
  const { terms } = plan;
  if (m <= FEW_ROWS && (line >= SHORTEST_LINE || line === n)) {
    const block = line === n ? columnsOfThread(n, machine.pool.size) : evenPart(line);
    runThin(machine, plan, operands, c, kernels.thinColumns, block);
  } else if (m <= FEW_ROWS && terms.length <= 1 && adjacentRun(terms, 1) === k) {
    runThin(machine, plan, operands, c, kernels.thinTerms, Math.min(n, 256));
  } else {
    const { width, pool } = machine;
    let blockM = m;
    let blockN = Math.min(n, PACKED_BYTES / BLOCK_K / width);
    if (machine.pool.size > 1 && 2 * m * n * k * batch > 4e6) {
      const blocks = (): number => batch * Math.ceil(m / blockM) * Math.ceil(n / blockN);
      const wanted = BLOCKS_OF_THREAD * pool.size;
      while (blocks() < wanted && blockN >= 256) blockN = Math.ceil(blockN / 2 / 16) * 16;
      while (blocks() < wanted && blockM >= 128) blockM = Math.ceil(blockM / 2 / 4) * 4;
    }
    const depth = Math.min(k, BLOCK_K);
    // Tiles have 2, 4 or 6 rows.
    const packed = roundUp(Math.min(blockM, BLOCK_M), 12) + roundUp(blockN, 16);
    const blocks = batch * Math.ceil(m / blockM) * Math.ceil(n / blockN);
    // 0.04 ns for a multiplication and addition, the figure of a core that does 50 GFLOP/s.
    const cost = 0.04 * blockM * blockN * k;
    run(machine, plan, operands, c, kernels.matmul, {
      ...{ blockM, blockN, blocks, cost },
      scratch: SPARE_BYTES + packed * depth * width,
    });
  }
}

/** A block of columns that all lie together: few enough for each thread to have some. */
function columnsOfThread(n: number, threads: number): number {
  return Math.min(n, THIN_COLUMNS, Math.max(64, roundUp(n / threads, 16)));
}

/** A block of columns that is one run of adjacent numbers: the run itself, or an even part of it. */
function evenPart(line: number): number {
  let block = line;
  while (block > THIN_COLUMNS && block % 2 === 0) block /= 2;
  return block;
}

function runThin(
  machine: Machine,
  plan: Plan,
  operands: Operands,
  c: CpuTensor,
  kernel: number,
  blockN: number,
): void {
  const { m, n, k, batch } = plan;
  run(machine, plan, operands, c, kernel, {
    blockM: m,
    blockN,
    blocks: batch * Math.ceil(n / blockN),
    cost: blockN * k * (0.1 + 0.06 * m),
    scratch: m * (k + blockN) * machine.width,
  });
}

interface Blocks {
  readonly blockM: number;
  readonly blockN: number;
  readonly blocks: number;
  /** Nanoseconds a block takes, about. */
  readonly cost: number;
  /** Bytes each thread needs. */
  readonly scratch: number;
}

function run(
  machine: Machine,
  plan: Plan,
  [a, b]: Operands,
  c: CpuTensor,
  kernel: number,
  { blockM, blockN, blocks, cost, scratch }: Blocks,
): void {
  const { m, n, k, batch } = plan;
  const tables = 2 * (m + n + k) + 3 * batch;
  const tableBytes = roundUp(4 * tables, 64);
  const scratchStep = roundUp(scratch, 64);
  machine.lend(tableBytes + scratchStep * machine.pool.size, (start) => {
    const table = machine.ints(start, tables);
    let at = 0;
    const write = (loops: readonly Loop[], which: number): number => {
      const from = at;
      at = writePlaces(table, at, loops, which);
      return start + 4 * from;
    };
    const rowA = write(plan.rows, 0);
    const rowC = write(plan.rows, 1);
    const columnB = write(plan.columns, 0);
    const columnC = write(plan.columns, 1);
    const termA = write(plan.terms, 0);
    const termB = write(plan.terms, 1);
    const batchA = write(plan.batches, 0);
    const batchB = write(plan.batches, 1);
    const batchC = write(plan.batches, 2);
    machine.run(kernel, blocks, cost, [
      ...[machine.at(a), machine.at(b), c.start, m, n, k],
      ...[rowA, rowC, columnB, columnC, termA, termB, batchA, batchB, batchC],
      ...[blockM, blockN, machine.tile, start + tableBytes, scratchStep],
    ]);
  });
}

/** For each turn of the loops, the place it stands at; returns the index after the last. */
function writePlaces(
  table: Int32Array,
  start: number,
  loops: readonly Loop[],
  which: number,
): number {
  table[start] = 0;
  let count = 1;
  // From the fastest loop outwards: each one repeats what is there, shifted.
  for (let i = loops.length - 1; i >= 0; i--) {
    const { size, steps } = loops[i] as Loop; // i < length
    const step = steps[which] as number; // every loop of a plan has this tensor's step
    for (let turn = 1; turn < size; turn++) {
      const shift = turn * step;
      const to = start + turn * count;
      for (let j = 0; j < count; j++) table[to + j] = (table[start + j] as number) + shift; // written before
    }
    count *= size;
  }
  return start + count;
}

function roundUp(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}
