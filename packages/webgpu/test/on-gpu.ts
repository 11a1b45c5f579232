import { createWebgpu, type Webgpu, type WebgpuOptions } from "../src/index.ts";

/** An engine with the kernels for GPUs, on whatever adapter there is. */
export function createOnGpu(options: WebgpuOptions = {}): Promise<Webgpu> {
  return createWebgpu({ software: false, ...options });
}
