import { type AdjointOps, type Recorded, type Shaped, sizeAlong } from "@resolvent/tensor";
import type { TrainedWeights } from "./weights.ts";

/** A loss on its tape. */
export interface LossParts<T extends Shaped> {
  /** Scalars whose sum is the loss, each with its coefficient in it. */
  readonly parts: Readonly<Record<string, Recorded<T>>>;
  /** `x^`, `row, d_out` */
  readonly output: T;
  /** 1 where a feature is active, `row, feature`; absent where a choice has said it. */
  readonly open?: T;
}

/** The mean over rows of `‖y − x^‖²`. */
export function meanSquare<T extends Shaped>(
  tape: AdjointOps<T>,
  target: Recorded<T>,
  output: Recorded<T>,
): Recorded<T> {
  const error = tape.sub(target, output);
  return tape.scale(
    tape.sum(tape.mul(error, error), ["row", "d_out"]),
    1 / sizeAlong(target.shape, "row", "train"),
  );
}

/** What a dictionary gives without any feature: `b_dec [+ x @ W_skip]`, `row, d_out`. */
export function withoutFeatures<T extends Shaped>(
  tape: AdjointOps<T>,
  { b_dec, W_skip }: TrainedWeights<Recorded<T>>,
  input: Recorded<T>,
  rows: number,
): Recorded<T> {
  if (W_skip === undefined) return tape.broadcast(b_dec, { row: rows });
  return tape.add(tape.matmul(input, W_skip, ["d_in"], ["row", "d_out"]), b_dec);
}
