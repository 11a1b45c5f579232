import type { ProductLoops } from "@resolvent/tensor/rules";
import type { Code, Kernel } from "./code.ts";
import type { Tiles } from "./tiles.ts";

/** Threads of a workgroup: the most that every adapter has. */
export const THREADS = 256;

/** Up to so many rows of a product the right operand is read where it lies, and shared by nobody. */
export const FEW_ROWS = 8;

/** A kernel and how many workgroups it takes. */
export interface Launch {
  readonly kernel: Kernel;
  readonly workgroups: number;
}

/** A product as a kernel sees it. */
export interface Product {
  readonly code: Code;
  readonly loops: ProductLoops;
  readonly a: Operand;
  readonly b: Operand;
  readonly tiles: Tiles;
}

/**
 * How numbers are fetched: four rows or columns that lie together (`across`) or four such terms (`along`) at a time, or
 * one by one, by threads that are next to each other along rows or columns (`each`) or along terms (`terms`).
 */
export type Fetch = "across" | "along" | "each" | "terms";

/** An operand of a product as a kernel reads it. */
export interface Operand {
  readonly fetch: Fetch;
  /** The number at a place, as an expression. */
  readonly load: (place: string) => string;
  /** The four numbers from a place on, which is a multiple of four. */
  readonly four: (place: string) => string;
}
