import { nodeModule, simdSupport } from "../module.ts";
import { isolated, startMachine } from "../start.ts";
import { type BlasChoice, blasChoice, tried } from "./choice.ts";
import { cpuinfo, vectorBits } from "./cpu-kind.ts";
import { openLapack } from "./lapack.ts";
import { type Native, openNative } from "./native.ts";
import { speedsOf } from "./probe.ts";

/** Side of the matrices that are timed. */
const SIDE = 512;

/** Runs of each that are timed; the best counts. */
const RUNS = 5;

/** Billions of floating-point operations a second, in f32 products of 512 × 512 matrices. */
export interface Speed {
  readonly oneThread: number;
  readonly allThreads: number;
}

/** What is known of the system's BLAS. */
export interface BlasReport {
  /** The name or path by which it was loaded; undefined where there is none. */
  readonly library: string | undefined;
  /** Its version and build, as it says itself. */
  readonly config: string | undefined;
  /** The processor it chose its kernels for. */
  readonly core: string | undefined;
  /** Whether `createCpu({ blas: "auto" })` uses it. */
  readonly used: boolean;
  /** Why it is not used, what was corrected, what could be better. */
  readonly notes: readonly string[];
}

/** What a machine has for the cpu engine. */
export interface MachineReport {
  readonly schemaVersion: 1;
  /** The processor's name, where the system tells it. */
  readonly processor: string | undefined;
  /** As Node names it: `x64`, `arm64`. */
  readonly architecture: string | undefined;
  readonly cores: number;
  /** Bits of the processor's vectors, where that can be told; WebAssembly's own have 128. */
  readonly vectorBits: number | undefined;
  /** Node's version; undefined in browsers. */
  readonly node: string | undefined;
  /** Bytes of the machine, in Node: all, and those that nobody uses. */
  readonly memory: { readonly total: number; readonly free: number } | undefined;
  readonly webassembly: {
    readonly simd: boolean;
    /** Fused multiply-add. */
    readonly relaxedSimd: boolean;
    /** Without it the engine has one thread. */
    readonly sharedMemory: boolean;
  };
  readonly blas: BlasReport;
  /** The library that has LAPACK's decompositions; undefined where there is none. */
  readonly lapack: { readonly library: string | undefined };
  /** Threads of `allThreads`. */
  readonly threads: number;
  readonly gflops: { readonly wasm: Speed; readonly blas: Speed | undefined };
  /** How many times as fast large products are with the BLAS, on all threads; undefined where there is none. */
  readonly gain: number | undefined;
}

/**
 * What this machine has for the cpu engine, and how fast it is: about a quarter of a second of products.
 * @param options `blas` and `threads` as in `createCpu`
 * @throws as `createCpu`
 */
export async function inspectMachine(
  options: { readonly blas?: string; readonly threads?: number } = {},
): Promise<MachineReport> {
  const choice = blasChoice(options.blas);
  const one = await measure({ ...options, threads: 1 }, choice);
  const all = await measure(options, choice);
  const { native, verdict, missing } = all;
  const works = native !== undefined && verdict?.wrong === undefined;
  const faster = verdict !== undefined && verdict.gflops.blas > verdict.gflops.wasm;
  const used = works && ("path" in choice || faster);
  const notes = [native?.note, ...missing, verdict?.wrong];
  if (works && !faster) notes.push("It is slower than the engine's own kernels.");
  const os = nodeModule("node:os");
  const lapack = "use" in choice && choice.use === "off" ? undefined : openLapack(native);
  const gflops = {
    wasm: { oneThread: one.speeds.wasm, allThreads: all.speeds.wasm },
    blas:
      one.speeds.blas === undefined || all.speeds.blas === undefined
        ? undefined
        : { oneThread: one.speeds.blas, allThreads: all.speeds.blas },
  };
  const { simd, relaxed } = simdSupport();
  return {
    schemaVersion: 1,
    processor: os?.cpus()[0]?.model.trim(),
    architecture: os?.arch(),
    cores: os?.availableParallelism() ?? navigator.hardwareConcurrency,
    vectorBits: os && vectorBits(os.arch(), cpuinfo()),
    node: os && process.versions.node,
    memory: os && { total: os.totalmem(), free: os.freemem() },
    webassembly: { simd, relaxedSimd: relaxed, sharedMemory: isolated() },
    blas: {
      library: native?.library,
      config: native?.config,
      core: native?.core,
      used,
      notes: notes.filter((note) => note !== undefined),
    },
    lapack: { library: lapack?.library },
    threads: all.threads,
    gflops,
    gain:
      gflops.blas === undefined
        ? undefined
        : Math.round((10 * gflops.blas.allThreads) / gflops.wasm.allThreads) / 10,
  };
}

async function measure(
  options: { readonly blas?: string; readonly threads?: number },
  choice: BlasChoice,
): Promise<{
  native: Native | undefined;
  verdict: ReturnType<typeof tried> | undefined;
  missing: readonly string[];
  threads: number;
  speeds: { wasm: number; blas?: number };
}> {
  const { machine, native } = await startMachine(options);
  try {
    const verdict = native && tried(machine, native);
    const works = verdict !== undefined && verdict.wrong === undefined;
    const speeds = works
      ? speedsOf(machine, SIDE, RUNS, ["wasm", "blas"])
      : speedsOf(machine, SIDE, RUNS, ["wasm"]);
    const threads = machine.pool.size;
    return { native, verdict, missing: whyMissing(native, choice), threads, speeds };
  } finally {
    await machine.pool.close();
  }
}

function whyMissing(native: Native | undefined, choice: BlasChoice): string[] {
  if (native !== undefined) return [];
  if ("use" in choice && choice.use === "off") return ["It is switched off."];
  const found = openNative(undefined);
  return "missing" in found ? [found.missing, found.remedy, GAIN] : [];
}

/** Seen on x86-64; what a machine would gain is known once it has one. */
const GAIN =
  "Large products are then about twice as fast on processors with AVX2, four times with AVX-512.";
