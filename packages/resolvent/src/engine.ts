import { type Cpu, type CpuOptions, createCpu } from "@resolvent/cpu";

/** How an engine computes. */
export type EngineOptions = CpuOptions;

/**
 * The engine for this machine: WebAssembly kernels on all cores, in Node with the system's BLAS where there is a faster
 * one.
 *
 * ```ts
 * const engine = await selectEngine({ precision: "f64" });
 * ```
 *
 * @throws InputError what `createCpu` throws
 */
export async function selectEngine(options: EngineOptions = {}): Promise<Cpu> {
  return await createCpu(options);
}
