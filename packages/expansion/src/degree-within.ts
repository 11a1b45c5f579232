import type { DegreeTerm } from "./expand.ts";

/** A partial sum this near to the model counts as the model, in nats. */
export const NEAR_NATS = 0.1;

/**
 * The first degree whose partial sum, under the final norm of the run, has a KL divergence from the model below so many
 * nats; null where none that was computed has.
 */
export function degreeWithin(terms: readonly DegreeTerm[], nats: number): number | null {
  return terms.find(({ partial }) => partial.frozenNorm.kl < nats)?.degree ?? null;
}
