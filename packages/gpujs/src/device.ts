import { InputError, InternalError } from "@resolvent/tensor";
import type { GPU, Kernel, KernelOutput } from "../vendor/gpu.js";
import { type KernelName, kernelSources } from "./kernels.ts";
import type { GpujsMode } from "./modes.ts";

/** More turns than any loop here takes: gpu.js ends loops at 1000 where it is not told otherwise. */
const MOST_TURNS = 2 ** 30;

/** The error of a context that is lost, in WebGL's numbers. */
const CONTEXT_LOST = 0x9242;

/** Where kernels run. */
export interface Device {
  readonly mode: GpujsMode;
  /**
   * Runs a kernel for `size[0] × size[1] × …` threads, the first fastest, and gives their numbers, one after the other. Two
   * sizes, or `n × m × 1`, would be the width and height of a texture; `n × 1 × m` and others are folded into a square.
   */
  run(
    name: KernelName,
    size: readonly [number, ...number[]],
    args: readonly (Float32Array | number)[],
  ): Float32Array;
  /** Why nothing is run any more: it was closed, or the browser took the context away. */
  readonly failure: unknown;
  close(): Promise<void>;
}

/** @throws what gpu.js throws where it has no such mode here */
export async function deviceOf(mode: GpujsMode): Promise<Device> {
  const { GPU } = await import("../vendor/gpu.js"); // half a megabyte, for those who use it
  const gpu = new GPU({ mode });
  const compiled = new Map<KernelName, Kernel>();
  let closed = false;
  const kernelOf = (name: KernelName): Kernel => {
    const known = compiled.get(name);
    if (known !== undefined) return known;
    const { args, source } = kernelSources[name];
    const kernel = gpu.createKernel(source, {
      argumentTypes: args,
      returnType: "Float",
      precision: "single",
      // Else it computes small arrays in fewer bits where the GPU has them, and keeps the old size where they grow.
      tactic: "precision",
      dynamicOutput: true,
      dynamicArguments: true,
      loopMaxIterations: MOST_TURNS,
    });
    compiled.set(name, kernel);
    return kernel;
  };
  const limit = entriesAtMost(gpu);
  const failure = (details: { readonly name?: KernelName } = {}): unknown => {
    if (closed) return refused("closed", "An engine was used after it was closed.", details);
    // A lost context answers with zeros.
    if (gpu.context?.isContextLost?.() !== true) return undefined;
    const lost = "The browser took WebGL away, and what was computed is lost.";
    return refused("lost", lost, { ...details, mode });
  };
  return {
    mode,
    get failure() {
      return failure();
    },
    run: (name, size, args) => {
      const before = failure({ name });
      if (before !== undefined) throw before;
      const entries = size.reduce((all, one) => all * one, 1);
      if (entries === 0) return new Float32Array(0);
      for (const given of [
        entries,
        ...args.map((arg) => (typeof arg === "number" ? 1 : arg.length)),
      ])
        if (given > limit) throw tooLarge(name, given, limit);
      const kernel = kernelOf(name);
      gpu.context?.getError?.(); // of what was before
      const output = kernel.setOutput(size)(...args);
      if (typeof kernel.fallbackReason === "string")
        throw refused(
          "fell-back",
          `${name}: ${mode} cannot compute it: ${kernel.fallbackReason}.`,
          {
            name,
            mode,
          },
        );
      const wrong = gpu.context?.getError?.() ?? 0;
      // So do calls that WebGL refuses: an error is the only sign.
      if (wrong !== 0 && wrong !== CONTEXT_LOST)
        throw refused("failed", `${name}: WebGL refused to compute it, with error ${wrong}.`, {
          name,
          error: wrong,
        });
      const after = failure({ name });
      if (after !== undefined) throw after;
      return flat(name, output, new Float32Array(entries));
    },
    close: async () => {
      closed = true;
      await gpu.destroy();
    },
  };
}

/** Entries of an array at most: those of the largest texture where arrays are textures. */
function entriesAtMost({ Kernel: { features } }: GPU): number {
  return Math.min(features.maxTextureSize ** 2, 2 ** 30);
}

function flat(name: KernelName, output: KernelOutput, into: Float32Array): Float32Array {
  let at = 0;
  const visit = (part: KernelOutput): void => {
    if (part instanceof Float32Array) {
      into.set(part, at);
      at += part.length;
    } else for (const inner of part) visit(inner);
  };
  visit(output);
  if (at === into.length) return into;
  throw new InternalError({
    code: "gpujs/wrong-count",
    message: `${name}: expected ${into.length} numbers of gpu.js, got ${at}.`,
    details: { name, expected: into.length, got: at },
  });
}

function tooLarge(name: string, got: number, limit: number): InputError {
  return new InputError({
    code: "gpujs/too-large",
    message: `${name}: expected arrays of at most ${limit} numbers, got one of ${got}.`,
    remedy: "Use the cpu engine, or a smaller model or shorter input.",
    details: { name, limit, got },
  });
}

function refused(
  what: "closed" | "failed" | "fell-back" | "lost",
  message: string,
  details: Readonly<Record<string, unknown>>,
): InputError {
  const code = `gpujs/${what}`;
  const remedy = what === "closed" ? "Make another." : "Make another engine: cpu runs everywhere.";
  return new InputError({ code, message, remedy, details });
}
