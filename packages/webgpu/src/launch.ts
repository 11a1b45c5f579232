import type { Kernel } from "./code.ts";

/** Threads of a workgroup: the most that every adapter has. */
export const THREADS = 256;

/** A kernel and how many workgroups it takes. */
export interface Launch {
  readonly kernel: Kernel;
  readonly workgroups: number;
}
