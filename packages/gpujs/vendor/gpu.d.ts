/** What the engine uses of gpu.js, which `build.mjs` bundles into gpu.js beside this file. */

/** How a kernel is compiled. */
export interface KernelSettings {
  readonly argumentTypes: readonly ("Array" | "Integer" | "Float")[];
  readonly returnType: "Float";
  readonly precision: "single";
  readonly tactic: "precision";
  readonly dynamicOutput: boolean;
  readonly dynamicArguments: boolean;
  readonly loopMaxIterations: number;
}

/** Numbers in rows, or rows of rows, as the kernel's output has axes. */
export type KernelOutput = Float32Array | readonly KernelOutput[];

/** A compiled kernel. */
export interface Kernel {
  (...args: readonly (Float32Array | number)[]): KernelOutput;
  setOutput(size: readonly number[]): this;
  /** Why gpu.js computes it by plain JavaScript instead, where it does. */
  readonly fallbackReason?: string | null;
}

/** A place where kernels run. */
export declare class GPU {
  constructor(settings: { readonly mode: string });
  createKernel(source: string, settings: KernelSettings): Kernel;
  /** The context of WebGL, where there is one. */
  readonly context: { isContextLost?(): boolean; getError?(): number } | null;
  readonly Kernel: { readonly features: { readonly maxTextureSize: number } };
  destroy(): Promise<void>;
}
