import type { Shaped } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import type { PatchGraph } from "./graph.ts";
import type { Asked } from "./measure.ts";
import type { PatchRun } from "./patch-run.ts";

/** A run that is patched, and what is read from it. */
export type Patched<T extends Shaped> = Asked<T> & {
  readonly model: Model<T>;
  readonly graph: PatchGraph;
  readonly run: PatchRun<T>;
  /** `δ_s`: what the reference writes less what the run writes, `source, pos, d_model`. */
  readonly deltas: T;
};
