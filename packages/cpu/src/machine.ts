import {
  type Half,
  InputError,
  InternalError,
  type Precision,
  type Shape,
  sizeOf,
  type Tensor,
  widenHalf,
} from "@resolvent/tensor";
import { handlesIn, Scopes } from "@resolvent/tensor/rules";
import { Allocator, type MemoryUse } from "./allocator.ts";
import type { Operands, Plan } from "./plan.ts";
import { FIRST_FREE, type Pool } from "./pool.ts";
import { type Block, CpuTensor } from "./tensor.ts";

const PAGE = 65536;

/** Memory grows by at least this many bytes, or by a quarter of what there is. */
const SMALLEST_STEP = 4 * 1024 * 1024;

/** Work below this many nanoseconds stays on one thread: handing it over costs a few µs, and 50 where that one sleeps. */
const WORTH_SHARING = 30_000;

/** Into how many chunks work is cut for each thread, at most: who comes late, or has half a core, takes fewer of them. */
const CHUNKS_OF_THREAD = 16;

/** A chunk has at least this much work, in nanoseconds, so that taking one costs little against it. */
const SMALLEST_CHUNK = 10_000;

/** What became of the wish for the wider kernels. */
export interface Wide {
  /** Whether the engine computes with them. */
  readonly used: boolean;
  /** Why not, where they are not used. */
  readonly why?: string;
}

function isTensor(value: object): value is CpuTensor {
  return value instanceof CpuTensor;
}

/** A product on the system's BLAS: `multiplyNatively`, which no page loads. */
type SystemProduct = (
  machine: Machine,
  plan: Plan,
  operands: Operands,
  into: CpuTensor,
  then?: { fits(width: number): boolean; args(width: number): number[] },
) => { readonly finished: boolean } | undefined;

/** The memory of an engine with what lives in it: tensors, scopes, and the threads that compute there. */
export class Machine {
  readonly precision: Precision;
  /** Bytes of one number. */
  readonly width: 4 | 8;
  readonly pool: Pool;
  /** Shape of the register tile of products; see assembly/tile.ts. Results do not depend on it. */
  tile = 0;
  /** Whether products go to the system's BLAS, where the pool has one and the product suits it. */
  blas: SystemProduct | undefined;
  /** Whether work is shared among the threads where that pays; not while the speed of one thread is measured. */
  shares = true;
  /** What became of the wish for the wider kernels, where there was one. */
  wide: Wide | undefined = undefined;
  readonly #memory: WebAssembly.Memory;
  readonly #allocator: Allocator;
  #bytes: Uint8Array;
  readonly #scopes: Scopes<CpuTensor> = new Scopes(isTensor, (tensor) => this.#drop(tensor));

  constructor(memory: WebAssembly.Memory, pool: Pool, precision: Precision, limit: number) {
    this.precision = precision;
    this.width = precision === "f32" ? 4 : 8;
    this.pool = pool;
    this.#memory = memory;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#allocator = new Allocator(FIRST_FREE, limit, (end) => this.#grow(end));
  }

  get memory(): MemoryUse {
    return this.#allocator.use;
  }

  /** An uninitialised tensor, of 16-bit numbers where `half` says which. */
  make(shape: Shape, half?: Half): CpuTensor {
    const size = Math.max(1, sizeOf(shape)) * (half === undefined ? this.width : 2);
    const block: Block = {
      owner: this,
      start: this.#allocator.allocate(size),
      size,
      holders: 0,
    };
    return this.#scopes.made(new CpuTensor(shape, block, block.start, half));
  }

  /** A tensor that shows part of another: the same numbers, `skip` of them later, under another shape. */
  view(a: CpuTensor, shape: Shape, skip = 0): CpuTensor {
    const start = a.start + skip * this.widthOf(a);
    return this.#scopes.made(new CpuTensor(shape, this.#held(a), start, a.half));
  }

  /** Bytes of one of a tensor's numbers. */
  widthOf(a: CpuTensor): number {
    return a.half === undefined ? this.width : 2;
  }

  /**
   * The address of a tensor's numbers, however they are kept.
   * @throws InputError `cpu/freed`, `cpu/foreign`
   */
  place(a: CpuTensor): number {
    this.#held(a);
    return a.start;
  }

  /** The address of a tensor's numbers, which are of the engine's precision. */
  at(a: CpuTensor): number {
    if (a.half !== undefined) {
      throw new InternalError({
        code: "cpu/not-widened",
        message: "A kernel was given 16-bit numbers.",
        details: { shape: a.shape, half: a.half },
      });
    }
    return this.place(a);
  }

  /** A view of the numbers, valid until the next allocation. */
  numbers(a: CpuTensor): Float32Array | Float64Array {
    const start = this.at(a);
    const { buffer } = this.#bytes;
    return this.precision === "f32"
      ? new Float32Array(buffer, start, sizeOf(a.shape))
      : new Float64Array(buffer, start, sizeOf(a.shape));
  }

  /** A view of the bits of 16-bit numbers, valid until the next allocation. */
  bits(a: CpuTensor): Uint16Array {
    return new Uint16Array(this.#bytes.buffer, this.place(a), sizeOf(a.shape));
  }

  read(a: CpuTensor): Tensor {
    if (a.half !== undefined) {
      const size = sizeOf(a.shape);
      const data = this.precision === "f32" ? new Float32Array(size) : new Float64Array(size);
      return { shape: a.shape, data: widenHalf(this.bits(a), a.half, data) };
    }
    return { shape: a.shape, data: this.numbers(a).slice() };
  }

  /** Bytes for the time of `use`, which gets their address. */
  lend<R>(size: number, use: (start: number) => R): R {
    const start = this.#allocator.allocate(size);
    try {
      return use(start);
    } finally {
      this.#allocator.free(start, size);
    }
  }

  /** A view of whole numbers in lent bytes, valid until the next allocation. */
  ints(start: number, count: number): Int32Array {
    return new Int32Array(this.#bytes.buffer, start, count);
  }

  /** The same of 64-bit numbers. */
  doubles(start: number, count: number): Float64Array {
    return new Float64Array(this.#bytes.buffer, start, count);
  }

  /**
   * Runs a kernel over items that take about `cost` nanoseconds each, on several threads where it pays.
   * Chunks are multiples of `multiple` items.
   */
  run(
    kernel: number,
    items: number,
    cost: number,
    args: readonly number[],
    { floats = [], multiple = 1 }: { floats?: readonly number[]; multiple?: number } = {},
  ): void {
    const size = this.shares ? this.pool.size : 1;
    const total = items * cost;
    let chunks = 1;
    if (size > 1 && total >= WORTH_SHARING)
      chunks = Math.min(CHUNKS_OF_THREAD * size, total / SMALLEST_CHUNK);
    const chunk = Math.ceil(Math.ceil(items / chunks) / multiple) * multiple;
    this.pool.run(kernel, items, chunk, args, floats);
  }

  /** Frees the tensors in a value; those that are freed already stay so. */
  free(value: unknown): void {
    for (const tensor of handlesIn(value, isTensor)) {
      if (tensor.block !== undefined) this.#held(tensor);
      this.#drop(tensor);
    }
  }

  scope<R>(body: () => R): R {
    return this.#scopes.run(body);
  }

  /** Runs `body` outside every scope: what it makes lives until it is freed. */
  outsideScopes<R>(body: () => R): R {
    return this.#scopes.outside(body);
  }

  #held(a: CpuTensor): Block {
    const { block } = a;
    if (block === undefined) {
      throw new InputError({
        code: "cpu/freed",
        message: "A tensor was used after it was freed.",
        remedy: "Return it from scope(), or free it later.",
        details: { shape: a.shape },
      });
    }
    if (block.owner !== this) {
      throw new InputError({
        code: "cpu/foreign",
        message: "A tensor of one cpu engine was used with another.",
        remedy: "Read it and make a constant of it there.",
        details: { shape: a.shape },
      });
    }
    return block;
  }

  #drop(tensor: CpuTensor): void {
    const { block } = tensor;
    if (block === undefined) return;
    tensor.block = undefined;
    block.holders--;
    if (block.holders === 0) this.#allocator.free(block.start, block.size);
  }

  #grow(end: number): number {
    const now = this.#bytes.length;
    if (end > now) {
      const { limit } = this.#allocator.use;
      const wanted = Math.min(Math.max(end, now + Math.max(SMALLEST_STEP, now / 4)), limit);
      for (const target of [wanted, end]) {
        try {
          this.#memory.grow(Math.ceil((target - now) / PAGE));
          break;
        } catch {
          // The system has no more; the allocator says so, where even the smaller step fails.
        }
      }
      this.#bytes = new Uint8Array(this.#memory.buffer);
    }
    return this.#bytes.length;
  }
}
