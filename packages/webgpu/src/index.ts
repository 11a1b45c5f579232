export type { AdapterReport } from "./adapter.ts";
export { type WorkCounts, workOf } from "./counts.ts";
export { createWebgpu, type Webgpu, type WebgpuOptions } from "./engine.ts";
export type { MemoryUse } from "./pool.ts";
export type { WebgpuTensor } from "./tensor.ts";
