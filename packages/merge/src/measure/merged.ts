import type { Shaped } from "@resolvent/tensor";
import type { Model } from "@resolvent/transformer";
import { refuse } from "../refuse.ts";

/** Two models and a merge of them, of one shape. */
export interface Merged<T extends Shaped> {
  readonly first: Model<T>;
  readonly second: Model<T>;
  readonly merge: Model<T>;
  /** How much of the second is in it: the merge is compared with `(1−α)` first + `α` second. */
  readonly alpha: number;
}

/** Throws `merge/alpha`. */
export function checkAlpha(alpha: number): void {
  if (Number.isFinite(alpha)) return;
  throw refuse("alpha", `alpha should be a number, got ${alpha}.`, "0.5 is halfway.", {
    got: alpha,
  });
}
