import { InputError } from "@resolvent/tensor";
import type { Machine } from "../machine.ts";
import { type Native, openNative } from "./native.ts";
import { speeds, wrongProduct } from "./probe.ts";
import { multiplyNatively } from "./product.ts";

export { bindProducts } from "../../worker/native.js";

/** The BLAS an engine computes large products with. */
export interface Blas {
  /** The name or path by which it was loaded. */
  readonly library: string;
  /** Its version and build, as it says itself. */
  readonly config: string | undefined;
  /** The processor for which it chose its kernels, where it says so. */
  readonly core: string | undefined;
  /** What was corrected in that choice, or should be. */
  readonly note: string | undefined;
  /** Threads that call it: those of the engine. */
  readonly threads: number;
  /**
   * Billions of floating-point operations a second of one thread, in a product of 128 × 128 matrices in the
   * engine's precision, when the library was first tried: the engine's own kernels, and the library.
   */
  readonly gflops: { readonly wasm: number; readonly blas: number };
}

/** What was asked for: none, the best of the system, or one library. */
export type BlasChoice = { readonly use: "off" | "auto" } | { readonly path: string };

/**
 * What an option, or else the environment variable `RESOLVENT_BLAS`, asks for.
 * @throws InputError `cpu/bad-option`
 */
export function blasChoice(option: string | undefined): BlasChoice {
  const wanted = option ?? fromEnvironment() ?? "auto";
  if (wanted === "off" || wanted === "auto") return { use: wanted };
  if (typeof wanted === "string" && wanted !== "") return { path: wanted };
  throw new InputError({
    code: "cpu/bad-option",
    message: `createCpu: expected blas to be "auto", "off" or the path of a library, got ${JSON.stringify(wanted)}.`,
    details: { name: "blas", got: wanted },
  });
}

function fromEnvironment(): string | undefined {
  const value = typeof process === "object" ? process.env?.RESOLVENT_BLAS : undefined;
  return value === "" ? undefined : value;
}

/**
 * The library to start threads with; undefined where there is none and none was asked for by name.
 * @throws InputError `cpu/no-blas`
 */
export function nativeFor(choice: BlasChoice): Native | undefined {
  if ("use" in choice && choice.use === "off") return undefined;
  const found = openNative("path" in choice ? choice.path : undefined);
  return "missing" in found ? undefined : found;
}

/** What was found out about a library, in one precision. */
export interface Verdict {
  /** Why its products cannot be trusted. */
  readonly wrong: string | undefined;
  readonly gflops: Blas["gflops"];
}

/** Each library is tried once for a process: what is faster must not change from engine to engine. */
const verdicts = new Map<string, Verdict>();

/** Compares a library with the engine's kernels. The machine's threads must have been started with it. */
export function tried(machine: Machine, native: Native): Verdict {
  // The wider kernels may be faster than a library that is faster than the ordinary ones.
  const kernels = machine.wide?.used === true ? "wide" : "ordinary";
  const key = `${machine.precision} ${kernels} ${native.library}`;
  let verdict = verdicts.get(key);
  if (verdict === undefined) {
    const before = machine.blas;
    const wrong = wrongProduct(machine);
    const gflops = wrong === undefined ? speeds(machine) : { wasm: 0, blas: 0 };
    verdict = { wrong, gflops };
    machine.blas = before;
    verdicts.set(key, verdict);
  }
  return verdict;
}

/**
 * Gives a machine the use of a library that computes right and, unless it was asked for by name, faster.
 * @throws InputError `cpu/wrong-blas` where one that was asked for by name computes wrong products
 */
export function useBlas(machine: Machine, native: Native, choice: BlasChoice): Blas | undefined {
  const { wrong, gflops } = tried(machine, native);
  const named = "path" in choice;
  if (wrong !== undefined && named) {
    throw new InputError({
      code: "cpu/wrong-blas",
      message: `The BLAS ${native.library} cannot be used. ${wrong}`,
      remedy: 'Use another library, or blas: "off".',
      details: { library: native.library },
    });
  }
  if (wrong !== undefined || (!named && gflops.blas <= gflops.wasm)) return undefined;
  machine.blas = multiplyNatively;
  const { library, config, core, note } = native;
  return { library, config, core, note, threads: machine.pool.size, gflops };
}
