export type { MemoryUse } from "./allocator.ts";
export { type Cpu, type CpuOptions, createCpu } from "./engine.ts";
export { createLinearAlgebra } from "./linear-algebra/linear-algebra.ts";
export type { CpuTensor } from "./tensor.ts";
