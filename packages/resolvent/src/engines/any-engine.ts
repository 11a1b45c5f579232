import type { Engine, LinearAlgebra, Shaped } from "@resolvent/tensor";

/** The engines there are, in the order in which they are chosen where all else is equal. */
export const ENGINES = ["webgpu", "cpu", "gpujs", "reference"] as const;

export type EngineName = (typeof ENGINES)[number];

/** An engine that is chosen while a program runs: whoever uses it need not know which it is. */
export interface AnyEngine extends Engine<Shaped> {
  readonly name: EngineName;
  /** Threads that compute, where the engine has some of its own. */
  readonly threads?: number;
  /** Singular values and eigenvalues of host tensors: they are computed on the processor, in float64, whatever the engine. */
  linearAlgebra(): Promise<LinearAlgebra>;
  /** Ends what was made for it. */
  close(): Promise<void>;
}
