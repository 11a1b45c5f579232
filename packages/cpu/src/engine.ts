import {
  type Axis,
  type Engine,
  type LinearAlgebra,
  onceMade,
  type RotaryTable,
  type Tensor,
} from "@resolvent/tensor";
import { checkShape, constantShape, renameShape, splitShape } from "@resolvent/tensor/rules";
import { adam } from "./adam.ts";
import type { MemoryUse } from "./allocator.ts";
import type { Blas } from "./blas/choice.ts";
import { arrange, broadcast, concat, fill, join, put, slice, take } from "./copy.ts";
import { inFull } from "./half.ts";
import type { Machine, Wide } from "./machine.ts";
import { map, zip } from "./map.ts";
import { matmul } from "./matmul.ts";
import { inNode } from "./module.ts";
import { norm, normBy } from "./norm.ts";
import { pairDots, pairSums } from "./pairs.ts";
import { type Angles, rotary } from "./rotary.ts";
import { center, logsumexp, rms, softmax, sum } from "./rows.ts";
import { type CpuOptions, startMachine } from "./start.ts";
import type { CpuTensor } from "./tensor.ts";
import { top } from "./top.ts";

/** A cpu engine: the operations, and what belongs to its lifetime. */
export interface Cpu extends Engine<CpuTensor> {
  readonly name: "cpu";
  /** Threads that compute. */
  readonly threads: number;
  /** The system's BLAS that computes large products; undefined where all is done by the engine's own kernels. */
  readonly blas: Blas | undefined;
  /** Whether the wider kernels are used, or why not; undefined where they were not asked for. */
  readonly wide: Wide | undefined;
  /** Bytes in use, the most that were, and the most there may be. */
  readonly memory: MemoryUse;
  /** Why nothing can be computed any more: `close`, or a worker thread that failed. */
  readonly failure: unknown;
  read(a: CpuTensor): Tensor;
  /**
   * Singular values and eigenvalues of host tensors, made at the first call and kept: the system's LAPACK where
   * `blas` allows and has it, else `createLinearAlgebra`. They agree but for rounding and the signs of vectors.
   */
  linearAlgebra(): Promise<LinearAlgebra>;
  /** Ends the worker threads. Numbers can still be read; computing throws `cpu/closed`. */
  close(): Promise<void>;
}

/**
 * An engine on WebAssembly SIMD kernels in one shared memory, with worker threads, in Node and in browsers.
 *
 * Results are the same to the last bit for the same options on the same machine and runtime, and do not
 * depend on `threads`. With another `blas` they differ in rounding.
 *
 * @throws InputError `cpu/bad-option`, `cpu/no-memory`, `cpu/no-kernels`, `cpu/no-worker`, `cpu/no-blas`,
 *   `cpu/wrong-blas`
 */
export async function createCpu(options: CpuOptions = {}): Promise<Cpu> {
  const { machine, useBlas } = await startMachine(options);
  try {
    return engineOf(machine, useBlas(), () => decompositions(options));
  } catch (error) {
    await machine.pool.close();
    throw error;
  }
}

/** LAPACK where the machine has one that is right and may be used, else the engine's own. */
async function decompositions({ blas, threads }: CpuOptions): Promise<LinearAlgebra> {
  const options = {
    ...(blas !== undefined && { blas }),
    ...(threads !== undefined && { threads }),
  };
  const lapack =
    inNode() || blas !== undefined ? await import("./blas/lapack-linear-algebra.ts") : undefined;
  return lapack?.lapackLinearAlgebra(options) ?? (await ownDecompositions());
}

/** The engine's own, which are loaded when somebody decomposes a matrix. */
async function ownDecompositions(): Promise<LinearAlgebra> {
  const { createLinearAlgebra } = await import("./linear-algebra/linear-algebra.ts");
  return await createLinearAlgebra();
}

/** The operations on a machine. */
export function engineOf(
  machine: Machine,
  blas?: Blas,
  decompose: () => Promise<LinearAlgebra> = ownDecompositions,
): Cpu {
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
  /** What an operation makes on the way is freed, also where it throws. */
  const op = (body: () => CpuTensor): CpuTensor => machine.scope(body);
  /** Numbers that are kept in 16 bits are widened for the time of an operation; layouts leave them as they are. */
  const w = (a: CpuTensor): CpuTensor => inFull(machine, a);
  return {
    name: "cpu",
    precision: machine.precision,
    threads: machine.pool.size,
    blas,
    wide: machine.wide,
    get memory() {
      return machine.memory;
    },
    get failure() {
      return machine.pool.failure;
    },
    read: (a) => machine.read(a),
    top: async (a, axis, k) => machine.scope(() => top(machine, w(a), axis, k)),
    linearAlgebra: onceMade(decompose),
    free: (value) => machine.free(value),
    scope: (body) => machine.scope(body),
    close: () => machine.pool.close(),

    written: (shape, write) =>
      op(() => {
        const result = machine.make(checkShape(shape, "written"));
        write(machine.numbers(result));
        return result;
      }),
    writtenHalf: (shape, half, write) =>
      op(() => {
        const result = machine.make(checkShape(shape, "writtenHalf"), half);
        write(machine.bits(result));
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
    put: (a, ids, axis, size) => op(() => put(machine, w(a), ids, axis, size)),

    add: (a, b) => op(() => zip(machine, w(a), w(b), "add")),
    sub: (a, b) => op(() => zip(machine, w(a), w(b), "sub")),
    mul: (a, b) => op(() => zip(machine, w(a), w(b), "mul")),
    div: (a, b) => op(() => zip(machine, w(a), w(b), "div")),
    scale: (a, factor) => op(() => map(machine, w(a), "scale", factor)),
    exp: (a) => op(() => map(machine, w(a), "exp")),
    log: (a) => op(() => map(machine, w(a), "log")),
    sqrt: (a) => op(() => map(machine, w(a), "sqrt")),
    gate: (a, kind) => op(() => map(machine, w(a), kind)),

    sum: (a, axes) => op(() => sum(machine, w(a), axes)),
    matmul: (a, b, over, last) => op(() => matmul(machine, a, b, over, last)),
    center: (a, axis) => op(() => center(machine, w(a), axis)),
    rms: (a, axis, eps) => op(() => rms(machine, w(a), axis, eps)),
    softmax: (a, axis, mask) => op(() => softmax(machine, w(a), axis, mask)),
    logsumexp: (a, axis) => op(() => logsumexp(machine, w(a), axis)),
    rotary: (a, axis, pos, table, options) =>
      op(() => rotary(machine, w(a), { axis, pos, table, angles: anglesOf(table), ...options })),
    fused: {
      product: (a, b, over, last, { shift, factor, activation, onto }) =>
        op(() => {
          const finish = {
            ...(shift && { shift: w(shift) }),
            ...(factor && { factor: w(factor) }),
            ...(activation && { activation }),
            ...(onto && { onto: w(onto) }),
          };
          return matmul(machine, a, b, over, last, finish);
        }),
      norm: (a, axis, by) => machine.scope(() => norm(machine, w(a), axis, by)),
      normBy: (a, axis, by) => machine.scope(() => normBy(machine, w(a), axis, by)),
      pairDots: (left, right, over, pairs) =>
        op(() => pairDots(machine, w(left), w(right), over, pairs)),
      pairSums: (weights, right, pairs, size) =>
        op(() => pairSums(machine, w(weights), w(right), pairs, size)),
      adam: ({ first, second }, gradient, factors) =>
        machine.scope(() =>
          adam(machine, { first: w(first), second: w(second) }, w(gradient), factors),
        ),
    },
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
