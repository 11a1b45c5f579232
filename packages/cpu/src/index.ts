export type { MemoryUse } from "./allocator.ts";
export type { Blas } from "./blas/choice.ts";
export { type BlasReport, inspectMachine, type MachineReport, type Speed } from "./blas/inspect.ts";
export { lapackLinearAlgebra } from "./blas/lapack-linear-algebra.ts";
export { type Cpu, createCpu } from "./engine.ts";
export { createLinearAlgebra } from "./linear-algebra/linear-algebra.ts";
export type { Wide } from "./machine.ts";
export type { CpuOptions, WideKernels, Widened } from "./start.ts";
export type { CpuTensor } from "./tensor.ts";
