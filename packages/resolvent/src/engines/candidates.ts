import type { CpuOptions } from "@resolvent/cpu";
import { type LinearAlgebra, onceMade, type Precision } from "@resolvent/tensor";
import type { AnyEngine, EngineName } from "./any-engine.ts";

/** What would compute, in words, and whether it is known to be slow; or why nothing can. */
export type Look =
  | { readonly found: string; readonly slow?: boolean }
  | { readonly missing: string };

/** An engine that may be chosen. Its code is loaded when it is looked at. */
export interface Candidate {
  readonly name: EngineName;
  readonly precisions: readonly Precision[];
  look(): Promise<Look>;
  /** @throws what the engine throws where it cannot be made */
  create(options: CpuOptions): Promise<AnyEngine>;
}

const webgpu: Candidate = {
  name: "webgpu",
  precisions: ["f32"],
  look: () =>
    missingWhere(async () => {
      const { createWebgpu } = await import("@resolvent/webgpu");
      const { adapter, close } = await createWebgpu();
      await close();
      const { vendor, architecture, device, description, software } = adapter;
      const named = [vendor, architecture, device, description].filter((part) => part !== "");
      const found = named.length === 0 ? "an adapter without a name" : named.join(" ");
      return software
        ? { found: `${found}, which computes on the processor, slowly`, slow: true }
        : { found };
    }),
  create: async ({ limit }) => {
    const { createWebgpu } = await import("@resolvent/webgpu");
    return withDecompositions(await createWebgpu(limit === undefined ? {} : { limit }));
  },
};

const cpu: Candidate = {
  name: "cpu",
  precisions: ["f32", "f64"],
  look: async () =>
    typeof WebAssembly === "object"
      ? { found: "WebAssembly kernels, in Node with the system's BLAS where there is a faster one" }
      : { missing: "WebAssembly is not there." },
  create: async (options) => {
    const { createCpu } = await import("./on-processor.ts");
    return await createCpu(options);
  },
};

const gpujs: Candidate = {
  name: "gpujs",
  precisions: ["f32"],
  look: () =>
    missingWhere(async () => {
      const { createGpujs } = await import("@resolvent/gpujs");
      const { mode, notes, close } = await createGpujs();
      await close();
      return { found: [`mode ${mode}`, ...notes].join("; ") };
    }),
  create: async () => {
    const { createGpujs } = await import("@resolvent/gpujs");
    return withDecompositions(await createGpujs());
  },
};

const exact: Candidate = {
  name: "reference",
  precisions: ["f64"],
  look: async () => ({ found: "plain loops in float64, for checks" }),
  create: async () => {
    const { reference } = await import("./exact.ts");
    return withDecompositions({ ...reference, name: "reference", close: async () => {} });
  },
};

/** In the order of `ENGINES`. */
export const candidates: readonly Candidate[] = [webgpu, cpu, gpujs, exact];

async function missingWhere(look: () => Promise<Look>): Promise<Look> {
  try {
    return await look();
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

/** A fresh engine, which gets the decompositions of the processor. */
function withDecompositions<E extends object>(
  engine: E,
): E & { linearAlgebra(): Promise<LinearAlgebra> } {
  const linearAlgebra = onceMade(async (): Promise<LinearAlgebra> => {
    const { createLinearAlgebra, lapackLinearAlgebra } = await import("./decompositions.ts");
    return lapackLinearAlgebra() ?? (await createLinearAlgebra());
  });
  return Object.assign(engine, { linearAlgebra }); // a copy would lose what its getters say
}
