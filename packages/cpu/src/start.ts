import { InputError, type Precision } from "@resolvent/tensor";
import type { Blas } from "./blas/choice.ts";
import type { Native } from "./blas/native.ts";
import { Machine, type Wide } from "./machine.ts";
import { inNode, loadModule, nodeModule } from "./module.ts";
import { FIRST_FREE, Pool } from "./pool.ts";
import { chooseAgain, fastestTile } from "./probe.ts";

const PAGE = 65536;

/** One page short of what 32-bit addresses reach, so that no end of a range wraps to 0. */
const LARGEST_LIMIT = 65535 * PAGE;

/** What is tried in turn where no limit is given: a browser may refuse to set aside addresses for more. */
const LIMITS = [LARGEST_LIMIT, 2 ** 31, 2 ** 30, 2 ** 29];

/** Below this there is no room for the control block and a first tensor. */
const SMALLEST_LIMIT = 2 * PAGE;

/** Threads by default, at most: memory bandwidth and the smaller operations gain little from more. */
const DEFAULT_THREADS = 8;

/** Threads that may be asked for: more is taken for a mistake. */
const MOST_THREADS = 256;

/** The wider kernels where they may be used, and what to say about them. */
export interface Widened {
  readonly module?: WebAssembly.Module;
  /** Their register tile; see assembly/tile.ts. */
  readonly tile?: number;
  readonly wide: Wide;
}

/** Looks whether wider kernels can be used in a precision; `@resolvent/cpu/wide` has some. */
export type WideKernels = (precision: Precision) => Promise<Widened>;

/** What a cpu engine is made of. */
export interface CpuOptions {
  /** Numbers are held and computed in `f32` (default) or `f64`. */
  readonly precision?: Precision;
  /**
   * Threads that compute, this one included. Default: as many as the machine has cores, at most 8.
   * Browsers give 1 where the page is not cross-origin isolated.
   */
  readonly threads?: number;
  /**
   * The system's BLAS for large products, in Node: `auto` (default) uses one that is found, computes right and
   * is faster than the engine's own kernels; `off` uses none; anything else is the path of a library to use.
   * Where this is left out, the environment variable `RESOLVENT_BLAS` counts.
   */
  readonly blas?: string;
  /**
   * Wider kernels for f32 products: those of `@resolvent/cpu/wide`, in Node 24 and later on x64 processors, where they
   * pass a check; see `Cpu.wide`. Default: none, for they rest on an experimental part of V8.
   */
  readonly wide?: WideKernels | undefined;
  /**
   * Bytes that the engine may take; default 4 GiB less 64 KiB, which is also the most, or where the system refuses that
   * 2 GiB, 1 GiB, or half of it: `Cpu.memory.limit` says which.
   */
  readonly limit?: number;
}

/** A machine that runs, and the library that its threads may call. */
export interface Started {
  readonly machine: Machine;
  readonly native: Native | undefined;
  /** Gives the machine the use of the library, where it computes right and is faster, or was asked for. */
  readonly useBlas: () => Blas | undefined;
}

/**
 * The memory and threads of an engine.
 * @throws as `createCpu`
 */
export async function startMachine(options: CpuOptions): Promise<Started> {
  const { precision = "f32" } = options;
  const threads = whole("threads", options.threads ?? defaultThreads(), 1, MOST_THREADS);
  if (options.limit !== undefined) whole("limit", options.limit, SMALLEST_LIMIT, LARGEST_LIMIT);
  // What finds libraries of the system is for Node, and no part of what a page loads.
  const libraries =
    inNode() || options.blas !== undefined ? await import("./blas/choice.ts") : undefined;
  const choice = libraries?.blasChoice(options.blas);
  const native = choice && libraries?.nativeFor(choice);
  const widened = await wideKernels(options.wide)?.(precision);
  const module = widened?.module ?? (await loadModule(precision));
  const { memory, limit } = makeMemory(options.limit === undefined ? LIMITS : [options.limit]);
  const size = isolated() ? threads : 1;
  const pool = await Pool.start(
    module,
    memory,
    size,
    native && libraries && { source: native.products(precision), bind: libraries.bindProducts },
  );
  const machine = new Machine(memory, pool, precision, limit);
  machine.tile = widened?.tile ?? fastestTile(machine);
  if (widened?.tile === undefined && !inNode()) chooseAgain(machine);
  machine.wide = widened?.wide;
  const useBlas = (): Blas | undefined =>
    libraries && choice && native && libraries.useBlas(machine, native, choice);
  return { machine, native, useBlas };
}

/** A memory that may grow to the first of some limits which the system grants. */
function makeMemory(limits: readonly number[]): {
  readonly memory: WebAssembly.Memory;
  readonly limit: number;
} {
  const initial = Math.ceil(FIRST_FREE / PAGE);
  let refusal: unknown;
  for (const limit of limits) {
    try {
      // Shared also with one thread: the kernels are one build. Sharing needs no cross-origin isolation as long
      // as the memory is not sent to a worker.
      const maximum = Math.floor(limit / PAGE);
      return { memory: new WebAssembly.Memory({ initial, maximum, shared: true }), limit };
    } catch (cause) {
      refusal = cause;
    }
  }
  const least = limits.at(-1);
  throw new InputError({
    code: "cpu/no-memory",
    message: `The system refuses a memory that may grow to ${least} bytes.`,
    remedy: "Pass a smaller limit.",
    details: { limit: least },
    cause: refusal,
  });
}

/** Whether memory may be sent to workers: always in Node, in browsers with COOP and COEP headers. */
export function isolated(): boolean {
  return (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false; // Node has none
}

function defaultThreads(): number {
  const cores = nodeModule("node:os")?.availableParallelism() ?? navigator.hardwareConcurrency;
  return Math.min(DEFAULT_THREADS, cores || 1);
}

/** The option, which JavaScript may have given as `true`. */
function wideKernels(option: WideKernels | undefined): WideKernels | undefined {
  if (option === undefined || typeof option === "function") return option;
  throw new InputError({
    code: "cpu/bad-option",
    message: `createCpu: expected wide to be kernels, got ${JSON.stringify(option)}.`,
    remedy: 'Pass wideKernels of "@resolvent/cpu/wide".',
    details: { name: "wide", got: option },
  });
}

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new InputError({
    code: "cpu/bad-option",
    message: `createCpu: expected ${name} to be whole, from ${least} to ${most}, got ${value}.`,
    details: { name, least, most, got: value },
  });
}
