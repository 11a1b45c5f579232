import { InputError, InternalError } from "@resolvent/tensor";
import type { bindProducts, ProductSource } from "../worker/native.js";
import { type Kernels, nodeModule } from "./module.ts";

// The control block, in 32-bit words; the same as in assembly/run.ts (there in bytes) and worker/serve.js.
/** Rises with each shared job; workers sleep on it. */
const GENERATION = 0;
const STOP = 1;
const FAILED = 2;
/** Chunks that nobody has taken. */
const REMAINING = 16;
/** Chunks that are finished. */
const DONE = 32;
const KERNEL = 48;
const ITEMS = 49;
const CHUNK = 50;
const FLOATS = 52;
const ARGS = 64;

/**
 * Milliseconds to look again before sleeping. A thread that sleeps is woken some 50 µs late, on a virtual machine more, and
 * the others are mostly done within a millisecond. The same in worker/serve.js.
 */
const PATIENCE = 1;

/** Looks between two looks at the clock. */
const LOOKS = 200;

/** Milliseconds of one sleep, so that a failed worker is noticed. */
const NAP = 1;

/** Bytes for the control block: numbers of arguments stay far below it. */
const CONTROL_BYTES = 4096;

/** Where the control block lies: behind the module's own static data, which is below 1 KiB. */
const CONTROL = 4096;

/** The first address that the allocator may hand out. */
export const FIRST_FREE: number = CONTROL + CONTROL_BYTES;

/** How long a worker may take to start before it counts as missing, in milliseconds. */
const START_LIMIT = 30_000;

/** Milliseconds for messages that are there already. */
const HEARING = 1000;

interface Thread {
  /** Settles when the worker serves. */
  readonly ready: Promise<unknown>;
  end(): Promise<unknown>;
}

/** Products on the system's BLAS: what a thread opens it by, and how this one calls it. */
export interface SystemProducts {
  readonly source: ProductSource;
  readonly bind: typeof bindProducts;
}

/** The threads of an engine: this one, and workers that wait in shared memory. */
export class Pool {
  readonly size: number;
  readonly #kernels: Kernels;
  readonly #threads: readonly Thread[];
  readonly #ints: Int32Array;
  readonly #floats: Float64Array;
  readonly #mayWait: boolean;
  #open = true;

  private constructor(memory: WebAssembly.Memory, kernels: Kernels, threads: readonly Thread[]) {
    this.size = threads.length + 1;
    this.#kernels = kernels;
    this.#threads = threads;
    // A shared memory that grows leaves earlier views of it as they are, so these stay valid.
    this.#ints = new Int32Array(memory.buffer, CONTROL, CONTROL_BYTES / 4);
    this.#floats = new Float64Array(memory.buffer, CONTROL + 4 * FLOATS, 4);
    // A browser's main thread may not sleep in Atomics.wait; it looks again and again instead.
    this.#mayWait = typeof document === "undefined";
  }

  /** Starts `size − 1` workers and waits until they serve; all threads may call the BLAS, where there is one. */
  static async start(
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    size: number,
    products?: SystemProducts,
  ): Promise<Pool> {
    const env = {
      memory,
      native: products?.bind(products.source, memory, CONTROL) ?? noBlas,
      abort: (): never => {
        throw new InternalError({ code: "cpu/kernel", message: "A kernel stopped." });
      },
    };
    const instance = await WebAssembly.instantiate(module, { env });
    const threads = Array.from({ length: size - 1 }, (_, i) =>
      startThread({ module, memory, control: CONTROL, thread: i + 1, blas: products?.source }),
    );
    // The kernels' exports are what assembly/f32.ts and f64.ts export.
    const pool = new Pool(memory, instance.exports as unknown as Kernels, threads);
    try {
      await Promise.all(threads.map((thread) => thread.ready));
    } catch (error) {
      await pool.close();
      throw error;
    }
    return pool;
  }

  /** Why nothing is run any more; undefined where everything is. */
  get failure(): InputError | InternalError | undefined {
    if (!this.#open) return closed();
    return Atomics.load(this.#ints, FAILED) === 0 ? undefined : workerFailed();
  }

  /**
   * Runs a kernel on all of `items`, `chunk` at a time. One chunk stays on this thread.
   * @throws InternalError `cpu/worker-failed`
   */
  run(
    kernel: number,
    items: number,
    chunk: number,
    args: readonly number[],
    floats: readonly number[] = [],
  ): void {
    if (!this.#open) throw closed();
    if (items === 0) return;
    const ints = this.#ints;
    ints[KERNEL] = kernel;
    ints[ITEMS] = items;
    ints[CHUNK] = chunk;
    ints.set(args, ARGS);
    this.#floats.set(floats);
    if (items <= chunk || this.size === 1) this.#kernels.all(CONTROL);
    else this.#share(Math.ceil(items / chunk));
  }

  #share(chunks: number): void {
    const ints = this.#ints;
    Atomics.store(ints, DONE, 0);
    Atomics.store(ints, REMAINING, chunks);
    Atomics.add(ints, GENERATION, 1);
    Atomics.notify(ints, GENERATION);
    this.#kernels.work(CONTROL, 0);
    let looks = 0;
    let since = 0;
    for (let done = 0; done !== chunks; done = Atomics.load(ints, DONE)) {
      if (Atomics.load(ints, FAILED) !== 0) throw workerFailed();
      if (++looks % LOOKS !== 0 || !this.#mayWait) continue;
      const now = performance.now();
      since ||= now;
      if (now - since > PATIENCE && done > 0) Atomics.wait(ints, DONE, done, NAP);
    }
  }

  /** Ends the workers. */
  async close(): Promise<void> {
    this.#open = false;
    Atomics.store(this.#ints, STOP, 1);
    Atomics.add(this.#ints, GENERATION, 1);
    Atomics.notify(this.#ints, GENERATION);
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }
}

interface Start {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly control: number;
  readonly thread: number;
  readonly blas: ProductSource | undefined;
}

function closed(): InputError {
  return new InputError({
    code: "cpu/closed",
    message: "The cpu engine is closed.",
    remedy: "Close it after its last use, or create another.",
  });
}

function workerFailed(): InternalError {
  return new InternalError({ code: "cpu/worker-failed", message: "A worker thread failed." });
}

function noBlas(): never {
  throw new InternalError({ code: "cpu/no-native", message: "The pool has no BLAS." });
}

function startThread(start: Start): Thread {
  const threads = nodeModule("node:worker_threads");
  return threads === undefined ? startInBrowser(start) : startInNode(threads, start);
}

function startInNode(threads: typeof import("node:worker_threads"), start: Start): Thread {
  const worker = new threads.Worker(new URL("../worker/serve.js", import.meta.url), {
    execArgv: [],
  });
  const ready = started((resolve, reject) => {
    worker.once("message", () => {
      // A program that forgets close() can end all the same.
      worker.unref();
      resolve();
    });
    worker.once("error", reject);
  });
  worker.postMessage(start);
  return { ready, end: () => worker.terminate() };
}

function startInBrowser(start: Start): Thread {
  const worker = new Worker(new URL("../worker/serve.js", import.meta.url), { type: "module" });
  const ready = started((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = (event) => reject(event.message);
  });
  worker.postMessage(start);
  return { ready, end: async () => worker.terminate() };
}

function started(
  listen: (resolve: () => void, reject: (cause: unknown) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      clearTimeout(timer);
      reject(
        new InputError({
          code: "cpu/no-worker",
          message: "A worker thread of the cpu engine did not start.",
          remedy:
            "Serve the package's worker folder beside its code, or create the engine with threads: 1.",
          cause,
        }),
      );
    };
    const silent = (): void => fail(`silent for ${START_LIMIT} ms`);
    // Where this thread was busy all the time, what a worker has said is yet to be heard: that comes after timers.
    let timer = setTimeout(() => {
      timer = setTimeout(silent, HEARING);
    }, START_LIMIT);
    listen(() => {
      clearTimeout(timer);
      resolve();
    }, fail);
  });
}
