// A worker thread of the cpu engine, in Node and in browsers: instantiates the kernels on the shared memory
// and serves until the engine closes. Plain JavaScript, because it is loaded by its address as it is.
import { bindProducts } from "./native.js";

const port =
  typeof process === "object" && typeof process.getBuiltinModule === "function"
    ? process.getBuiltinModule("node:worker_threads").parentPort
    : globalThis;

// The control block, in 32-bit words; the same as in src/pool.ts.
const GENERATION = 0;
const STOP = 1;
const FAILED = 2;

/** Milliseconds to look again before sleeping, and looks between two looks at the clock; the same as in src/pool.ts. */
const PATIENCE = 1;
const LOOKS = 200;

function start({ module, memory, control, thread, blas }) {
  const env = {
    memory,
    native: blas === undefined ? noBlas : bindProducts(blas, memory, control),
    abort() {
      throw new Error("A kernel stopped.");
    },
  };
  const { exports } = new WebAssembly.Instance(module, { env });
  // Earlier views of a shared memory stay valid when it grows.
  const words = new Int32Array(memory.buffer, control, 64);
  port.postMessage("ready");
  try {
    while (Atomics.load(words, STOP) === 0) {
      const seen = Atomics.load(words, GENERATION);
      exports.work(control, thread);
      let looks = 0;
      let since = 0;
      while (Atomics.load(words, GENERATION) === seen) {
        if (++looks % LOOKS !== 0) continue;
        const now = performance.now();
        since ||= now;
        if (now - since > PATIENCE) Atomics.wait(words, GENERATION, seen);
      }
    }
  } catch (error) {
    // The main thread may be waiting for this one and hear nothing else.
    Atomics.store(words, FAILED, 1);
    throw error;
  }
}

function noBlas() {
  throw new Error("The pool has no BLAS.");
}

if (port === globalThis) port.onmessage = (event) => start(event.data);
else port.once("message", start);
