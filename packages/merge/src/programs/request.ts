import type { Dtype } from "@resolvent/weights";
import type { Cut, Pass } from "../cuts.ts";
import type { PlannedTensor } from "../plan.ts";

/** A tensor that a program is made for. */
export interface ProgramRequest {
  readonly name: string;
  readonly shape: readonly number[];
  readonly entries: number;
  readonly planned: PlannedTensor;
  /** How the inputs are stored. */
  readonly dtypes: readonly Dtype[];
  /** Goes through the tensor's inputs once. */
  readonly pass: Pass;
  /** Which entries of each model's difference stay, where that is not found in the tensor; see `trimsOf`. */
  readonly trims?: ReadonlyMap<string, Cut> | undefined;
}
