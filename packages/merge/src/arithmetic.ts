import { InputError } from "@resolvent/tensor";
import { type Job, type Outcome, runnerOf } from "../worker/run.js";

/** Computes stretches of tensors, on the calling thread or on others; results do not depend on it. */
export interface Arithmetic {
  /** How many stretches are computed at the same time. */
  readonly threads: number;
  /** Memory that all threads see. */
  memory(bytes: number): ArrayBufferLike;
  run(job: Job): Promise<Outcome>;
  close(): Promise<void>;
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** The kernels of `assembly/`, compiled once. Throws `merge/no-kernels`. */
export function loadKernels(): Promise<WebAssembly.Module> {
  compiled ??= bytesOf(new URL("../wasm/merge.wasm", import.meta.url)).then((bytes) =>
    WebAssembly.compile(bytes),
  );
  return compiled;
}

async function bytesOf(url: URL): Promise<BufferSource> {
  const files =
    url.protocol === "file:" && typeof process === "object"
      ? process.getBuiltinModule?.("node:fs/promises")
      : undefined;
  try {
    if (files !== undefined) return new Uint8Array(await files.readFile(url)); // never shared
    const response = await fetch(url);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return await response.arrayBuffer();
  } catch (cause) {
    compiled = undefined;
    throw new InputError({
      code: "merge/no-kernels",
      message: `The kernels at ${url} could not be read.`,
      remedy:
        "Serve the package's wasm folder beside its code, use a bundler that follows new URL(), or build the package.",
      details: { url: url.href },
      cause,
    });
  }
}

/** Computes on the calling thread. */
export async function onThisThread(): Promise<Arithmetic> {
  const run = runnerOf(await loadKernels());
  return {
    threads: 1,
    memory: (bytes) => new ArrayBuffer(bytes),
    run: async (job) => run(job),
    close: async () => {},
  };
}
