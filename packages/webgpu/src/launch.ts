import type { ProductLoops } from "@resolvent/tensor/rules";
import type { Code, Kernel } from "./code.ts";

/** Threads of a workgroup: the most that every adapter has. */
export const THREADS = 256;

/** A kernel and how many workgroups it takes. */
export interface Launch {
  readonly kernel: Kernel;
  readonly workgroups: number;
}

/** A product as a kernel sees it. */
export interface Product {
  readonly code: Code;
  readonly loops: ProductLoops;
  /** The number of either operand at a place, as an expression. */
  readonly a: (place: string) => string;
  readonly b: (place: string) => string;
}
