/** What stands in place of what is taken away, as results carry it. */
export interface ReferenceFacts {
  /** Nothing; a mean over prompts; or what another run has there. */
  readonly kind: "zero" | "mean" | "run";
  /** The prompts that the mean is taken over, or that of the run; none for zero, and where each pair of prompts has its own. */
  readonly prompts: readonly (readonly number[])[];
}

/** Nothing stands in place of what is taken away. */
export const ZERO_REFERENCE: ReferenceFacts = { kind: "zero", prompts: [] };
