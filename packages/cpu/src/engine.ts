import {
  type Axis,
  checkShape,
  constantShape,
  type Engine,
  InputError,
  type LinearAlgebra,
  type Precision,
  type RotaryTable,
  renameShape,
  splitShape,
  type Tensor,
} from "@resolvent/tensor";
import type { MemoryUse } from "./allocator.ts";
import { arrange, broadcast, concat, fill, join, put, slice, take } from "./copy.ts";
import { createLinearAlgebra } from "./linear-algebra/linear-algebra.ts";
import { Machine } from "./machine.ts";
import { map, zip } from "./map.ts";
import { matmul } from "./matmul.ts";
import { loadModule, nodeModule } from "./module.ts";
import { FIRST_FREE, Pool } from "./pool.ts";
import { fastestTile } from "./probe.ts";
import { type Angles, rotary } from "./rotary.ts";
import { center, logsumexp, rms, softmax, sum } from "./rows.ts";
import type { CpuTensor } from "./tensor.ts";

const PAGE = 65536;

/** One page short of what 32-bit addresses reach, so that no end of a range wraps to 0. */
const LARGEST_LIMIT = 65535 * PAGE;

/** Below this there is no room for the control block and a first tensor. */
const SMALLEST_LIMIT = 2 * PAGE;

/** Threads by default, at most: memory bandwidth and the smaller operations gain little from more. */
const DEFAULT_THREADS = 8;

/** Threads that may be asked for: more is taken for a mistake. */
const MOST_THREADS = 256;

/** What a cpu engine is made of. */
export interface CpuOptions {
  /** Numbers are held and computed in `f32` (default) or `f64`. */
  readonly precision?: Precision;
  /**
   * Threads that compute, this one included. Default: as many as the machine has cores, at most 8.
   * Browsers give 1 where the page is not cross-origin isolated.
   */
  readonly threads?: number;
  /** Bytes that the engine may take; default 4 GiB less 64 KiB, which is also the most. */
  readonly limit?: number;
}

/** A cpu engine: the operations, and what belongs to its lifetime. */
export interface Cpu extends Engine<CpuTensor> {
  readonly name: "cpu";
  /** Threads that compute. */
  readonly threads: number;
  /** Bytes in use, the most that were, and the most there may be. */
  readonly memory: MemoryUse;
  read(a: CpuTensor): Tensor;
  /** Singular values and eigenvalues of host tensors: `createLinearAlgebra`, made at the first call and kept. */
  linearAlgebra(): Promise<LinearAlgebra>;
  /** Ends the worker threads. Numbers can still be read; computing throws `cpu/closed`. */
  close(): Promise<void>;
}

/**
 * An engine on WebAssembly SIMD kernels in one shared memory, with worker threads, in Node and in browsers.
 *
 * Results are the same to the last bit for the same options on the same machine and runtime, and do not
 * depend on `threads`.
 *
 * @throws InputError `cpu/bad-option`, `cpu/no-memory`, `cpu/no-kernels`, `cpu/no-worker`
 */
export async function createCpu(options: CpuOptions = {}): Promise<Cpu> {
  const { precision = "f32", limit = LARGEST_LIMIT } = options;
  const threads = whole("threads", options.threads ?? defaultThreads(), 1, MOST_THREADS);
  whole("limit", limit, SMALLEST_LIMIT, LARGEST_LIMIT);
  const module = await loadModule(precision);
  const memory = makeMemory(limit);
  const pool = await Pool.start(module, memory, isolated() ? threads : 1);
  const machine = new Machine(memory, pool, precision, limit);
  machine.tile = fastestTile(machine);
  return engineOf(machine);
}

/** The operations on a machine. */
export function engineOf(machine: Machine): Cpu {
  const angles = new WeakMap<RotaryTable, Angles>();
  const anglesOf = (table: RotaryTable): Angles => {
    let found = angles.get(table);
    if (found === undefined) {
      const shape = { positions: table.positions, pairs: table.pairs };
      found = machine.outsideScopes(() => ({
        cos: constant(machine, shape, table.cos),
        sin: constant(machine, shape, table.sin),
      }));
      angles.set(table, found);
    }
    return found;
  };
  let linearAlgebra: Promise<LinearAlgebra> | undefined;
  /** What an operation makes on the way is freed, also where it throws. */
  const op = (body: () => CpuTensor): CpuTensor => machine.scope(body);
  return {
    name: "cpu",
    precision: machine.precision,
    threads: machine.pool.size,
    get memory() {
      return machine.memory;
    },
    read: (a) => machine.read(a),
    linearAlgebra: () => {
      linearAlgebra ??= createLinearAlgebra();
      return linearAlgebra;
    },
    free: (value) => machine.free(value),
    scope: (body) => machine.scope(body),
    close: () => machine.pool.close(),

    written: (shape, write) =>
      op(() => {
        const result = machine.make(checkShape(shape, "written"));
        write(machine.numbers(result));
        return result;
      }),
    constant: (shape, data) => constant(machine, constantShape(shape, data.length), data),
    fill: (shape, value) => op(() => fill(machine, checkShape(shape, "fill"), value)),
    rename: (a, names) => machine.view(a, renameShape(a.shape, names)),
    split: (a, axis, into) => machine.view(a, splitShape(a.shape, axis, into)),
    join: (a, axes, into) => op(() => join(machine, a, axes, into)),
    arrange: (a, axes) => op(() => arrange(machine, a, axes)),
    slice: (a, axis, start, end) => op(() => slice(machine, a, axis, start, end)),
    concat: (parts, axis) => op(() => concat(machine, parts, axis)),
    broadcast: (a, axes) => op(() => broadcast(machine, a, axes)),
    take: (a, axis, ids) => op(() => take(machine, a, axis, ids)),
    put: (a, ids, axis, size) => op(() => put(machine, a, ids, axis, size)),

    add: (a, b) => op(() => zip(machine, a, b, "add")),
    sub: (a, b) => op(() => zip(machine, a, b, "sub")),
    mul: (a, b) => op(() => zip(machine, a, b, "mul")),
    div: (a, b) => op(() => zip(machine, a, b, "div")),
    scale: (a, factor) => op(() => map(machine, a, "scale", factor)),
    exp: (a) => op(() => map(machine, a, "exp")),
    log: (a) => op(() => map(machine, a, "log")),
    sqrt: (a) => op(() => map(machine, a, "sqrt")),
    gate: (a, kind) => op(() => map(machine, a, kind)),

    sum: (a, axes) => op(() => sum(machine, a, axes)),
    matmul: (a, b, over, last) => op(() => matmul(machine, a, b, over, last)),
    center: (a, axis) => op(() => center(machine, a, axis)),
    rms: (a, axis, eps) => op(() => rms(machine, a, axis, eps)),
    softmax: (a, axis, mask) => op(() => softmax(machine, a, axis, mask)),
    logsumexp: (a, axis) => op(() => logsumexp(machine, a, axis)),
    rotary: (a, axis, pos, table, rotation = {}) =>
      op(() => rotary(machine, a, axis, pos, anglesOf(table), table, rotation)),
  };
}

function constant(
  machine: Machine,
  shape: Readonly<Record<Axis, number>>,
  data: ArrayLike<number>,
): CpuTensor {
  const result = machine.make(shape);
  machine.numbers(result).set(data);
  return result;
}

function makeMemory(limit: number): WebAssembly.Memory {
  const maximum = Math.floor(limit / PAGE);
  try {
    // Shared also with one thread: the kernels are one build. Sharing needs no cross-origin isolation as long
    // as the memory is not sent to a worker.
    return new WebAssembly.Memory({ initial: Math.ceil(FIRST_FREE / PAGE), maximum, shared: true });
  } catch (cause) {
    throw new InputError({
      code: "cpu/no-memory",
      message: `The system refuses a memory that may grow to ${limit} bytes.`,
      remedy: "Pass a smaller limit.",
      details: { limit },
      cause,
    });
  }
}

/** Whether memory may be sent to workers: always in Node, in browsers with COOP and COEP headers. */
function isolated(): boolean {
  return (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false; // Node has none
}

function defaultThreads(): number {
  const cores = nodeModule("node:os")?.availableParallelism() ?? navigator.hardwareConcurrency;
  return Math.min(DEFAULT_THREADS, cores || 1);
}

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new InputError({
    code: "cpu/bad-option",
    message: `createCpu: expected ${name} to be whole, from ${least} to ${most}, got ${value}.`,
    details: { name, least, most, got: value },
  });
}
