import { InputError, type Precision } from "@resolvent/tensor";

/** What the compiled kernels export. */
export interface Kernels {
  /** The whole job on this thread. */
  all(control: number): void;
  /** Chunks of the job until there are none. */
  work(control: number, thread: number): void;
}

/** Node's own modules, without an import that a browser's bundler would have to resolve. */
export function nodeModule<
  Name extends "node:fs" | "node:fs/promises" | "node:os" | "node:v8" | "node:worker_threads",
>(name: Name): ReturnType<typeof process.getBuiltinModule<Name>> | undefined {
  return typeof process === "object" && typeof process.getBuiltinModule === "function"
    ? process.getBuiltinModule(name)
    : undefined;
}

/** Whether this is Node, which has libraries of the system. */
export function inNode(): boolean {
  return nodeModule("node:os") !== undefined;
}

// Written out one by one, so that bundlers find them.
function address(precision: Precision, relaxed: boolean): URL {
  if (precision === "f32") {
    return relaxed
      ? new URL("../wasm/f32-relaxed.wasm", import.meta.url)
      : new URL("../wasm/f32.wasm", import.meta.url);
  }
  return relaxed
    ? new URL("../wasm/f64-relaxed.wasm", import.meta.url)
    : new URL("../wasm/f64.wasm", import.meta.url);
}

/**
 * The bytes of a module.
 * @throws InputError `cpu/no-kernels`
 */
export async function bytesAt(url: URL): Promise<BufferSource> {
  const files = url.protocol === "file:" ? nodeModule("node:fs/promises") : undefined;
  if (files !== undefined) {
    return files.readFile(url).then(
      (bytes) => bytes as Uint8Array<ArrayBuffer>, // what Node reads is never shared
      (cause) => {
        throw missing(url, cause, "Build the package: its script `wasm` compiles the kernels.");
      },
    );
  }
  const remedy =
    "Serve the package's wasm folder beside its code, or use a bundler that follows new URL().";
  const response = await fetch(url).catch((cause) => {
    throw missing(url, cause, remedy);
  });
  if (!response.ok) throw missing(url, `status ${response.status}`, remedy);
  return response.arrayBuffer();
}

function missing(url: URL, cause: unknown, remedy: string): InputError {
  return new InputError({
    code: "cpu/no-kernels",
    message: `The kernels at ${url} could not be read.`,
    remedy,
    details: { url: url.href },
    cause,
  });
}

/** A function with one `f32x4.relaxed_madd`: valid exactly where relaxed SIMD is on. */
const relaxedProbe = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 17,
  65, 0, 253, 17, 65, 0, 253, 17, 253, 133, 2, 11,
]);

/** A function with one `i8x16.splat`: valid exactly where there is SIMD. */
const simdProbe = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 15, 26,
  11,
]);

/** What of WebAssembly's later parts the runtime has. */
export function simdSupport(): { simd: boolean; relaxed: boolean } {
  return {
    simd: WebAssembly.validate(simdProbe),
    relaxed: WebAssembly.validate(relaxedProbe),
  };
}

/** The kernels for a precision, with fused multiply-add where the runtime has relaxed SIMD. */
export async function loadModule(precision: Precision): Promise<WebAssembly.Module> {
  const { relaxed } = simdSupport();
  return WebAssembly.compile(await bytesAt(address(precision, relaxed)));
}

/** The decompositions of linear algebra, which are in float64 only and use no relaxed SIMD. */
export async function loadLinearAlgebra(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(
    await bytesAt(new URL("../wasm/linear-algebra.wasm", import.meta.url)),
  );
}
