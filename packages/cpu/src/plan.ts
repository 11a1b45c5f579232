import type { Axis, Shape } from "@resolvent/tensor";
import {
  isBetterTurned,
  type ProductLoops,
  productLoops,
  turnedOver,
} from "@resolvent/tensor/rules";
import type { CpuTensor } from "./tensor.ts";

/** Up to so many rows the right operand is read where it lies instead of packed. */
export const FEW_ROWS = 8;

/** A product as loops over its two operands. */
export interface Plan extends ProductLoops {
  readonly a: CpuTensor;
  readonly b: CpuTensor;
}

/** The loops of a product, which is turned over where its transpose is computed faster. */
export function planOf(a: CpuTensor, b: CpuTensor, over: readonly Axis[], c: Shape): Plan {
  const loops = productLoops(a.shape, b.shape, over, c);
  return isBetterTurned(loops, FEW_ROWS)
    ? { a: b, b: a, ...turnedOver(loops) }
    : { a, b, ...loops };
}
