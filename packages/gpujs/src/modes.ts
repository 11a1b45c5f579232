/** The ways of gpu.js that are used, in the order in which they are tried: its others need what does not install everywhere. */
export const GPUJS_MODES = ["webgl2", "webasm", "cpu"] as const;

/** How gpu.js computes: on the GPU through WebGL2, in WebAssembly, or in plain JavaScript. */
export type GpujsMode = (typeof GPUJS_MODES)[number];
