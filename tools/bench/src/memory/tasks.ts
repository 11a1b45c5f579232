/** What is measured: expansions of a model of GPT-2 small's shape, in float32. */
export const TASKS = {
  sweep: "sweep, all 24 degrees",
  tree: "truncated tree to degree 6, nothing frozen",
  expand: "path expansion with its logit report",
} as const;

export type Task = keyof typeof TASKS;

/** What one of them took. */
export interface Peak {
  /** Bytes that the engine had in use at most, weights included. */
  readonly peak: number;
  readonly weights: number;
  /** Bytes that an engine may have. */
  readonly limit: number;
  readonly seconds: number;
  /** How it ran out of memory; null where it came to its end. */
  readonly failed: string | null;
}
