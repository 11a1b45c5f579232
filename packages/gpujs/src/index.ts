export { createGpujs, type Gpujs, type GpujsOptions } from "./engine.ts";
export { hostOperations } from "./host.ts";
export { GPUJS_MODES, type GpujsMode } from "./modes.ts";
