import { InputError } from "@resolvent/tensor";
import { MAX_NODES } from "../graph/limits.ts";

/** A number of features that a graph may have. */
export function checkFeatureCount(got: number): void {
  if (Number.isInteger(got) && got >= 1 && got <= MAX_NODES) return;
  throw new InputError({
    code: "dictionary/bad-count",
    message: `A graph has 1 to ${MAX_NODES} features, got ${got}.`,
    remedy: "Leave it out to take the default, 4096.",
    details: { option: "features", got, limit: MAX_NODES },
  });
}

/** Positions of the run, counted from 0. */
export function checkPositions(got: readonly number[], positions: number): ReadonlySet<number> {
  const odd = got.find((at) => !(Number.isInteger(at) && at >= 0 && at < positions));
  if (odd === undefined) return new Set(got);
  throw new InputError({
    code: "dictionary/bad-count",
    message: `There is no position ${odd}: the run has ${positions}.`,
    remedy: "Positions count tokens from 0.",
    details: { option: "constantPositions", got: odd, positions },
  });
}
