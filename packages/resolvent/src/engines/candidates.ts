import type { CpuOptions } from "@resolvent/cpu";
import { type LinearAlgebra, type Precision, reference } from "@resolvent/tensor";
import type { AnyEngine, EngineName } from "./any-engine.ts";

/** What would compute, in words; or why nothing can. */
export type Look = { readonly found: string } | { readonly missing: string };

/** An engine that may be chosen. Its code is loaded when it is looked at. */
export interface Candidate {
  readonly name: EngineName;
  readonly precisions: readonly Precision[];
  look(): Promise<Look>;
  /** @throws what the engine throws where it cannot be made */
  create(options: CpuOptions): Promise<AnyEngine>;
}

const cpu: Candidate = {
  name: "cpu",
  precisions: ["f32", "f64"],
  look: async () =>
    typeof WebAssembly === "object"
      ? { found: "WebAssembly kernels, in Node with the system's BLAS where there is a faster one" }
      : { missing: "WebAssembly is not there." },
  create: async (options) => {
    const { createCpu } = await import("@resolvent/cpu");
    return await createCpu(options);
  },
};

const gpujs: Candidate = {
  name: "gpujs",
  precisions: ["f32"],
  look: async () => {
    const { createGpujs } = await import("@resolvent/gpujs");
    try {
      const { mode, notes, close } = await createGpujs();
      await close();
      return { found: [`mode ${mode}`, ...notes].join("; ") };
    } catch (error) {
      return { missing: error instanceof Error ? error.message : String(error) };
    }
  },
  create: async () => {
    const { createGpujs } = await import("@resolvent/gpujs");
    return withDecompositions(await createGpujs());
  },
};

const exact: Candidate = {
  name: "reference",
  precisions: ["f64"],
  look: async () => ({ found: "plain loops in float64, for checks" }),
  create: async () => withDecompositions({ ...reference, close: async () => {} }),
};

/** In the order of `ENGINES`. */
export const candidates: readonly Candidate[] = [cpu, gpujs, exact];

/** A fresh engine, which gets the decompositions of the processor. */
function withDecompositions<E extends object>(
  engine: E,
): E & { linearAlgebra(): Promise<LinearAlgebra> } {
  let made: Promise<LinearAlgebra> | undefined;
  const linearAlgebra = (): Promise<LinearAlgebra> => {
    made ??= import("@resolvent/cpu").then(
      async ({ createLinearAlgebra, lapackLinearAlgebra }) =>
        lapackLinearAlgebra() ?? (await createLinearAlgebra()),
    );
    return made;
  };
  return Object.assign(engine, { linearAlgebra }); // a copy would lose what its getters say
}
