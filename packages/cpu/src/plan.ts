import type { Axis, Shape } from "@resolvent/tensor";
import {
  isBetterTurned,
  matmulShape,
  type ProductLoops,
  productLoops,
  turnedOver,
} from "@resolvent/tensor/rules";
import type { CpuTensor } from "./tensor.ts";

/** Up to so many rows the right operand is read where it lies instead of packed. */
export const FEW_ROWS = 8;

/** Plans that are kept at most: a model has a dozen products, for each length of its input. */
const MOST = 4096;

/** A product as loops over its two operands: the same for all tensors of their shapes. */
export interface Plan extends ProductLoops {
  /** Whether these are the loops of Cᵀ = BᵀAᵀ: the operands change places. */
  readonly turned: boolean;
}

/** What a plan is carried out on. */
export type Operands = readonly [a: CpuTensor, b: CpuTensor];

const plans = new Map<string, Plan>();
const shapes = new Map<string, Shape>();

/** The loops of a product, which is turned over where its transpose is computed faster. */
export function planOf(a: Shape, b: Shape, over: readonly Axis[], c: Shape): Plan {
  return remembered(plans, shapeKey(a) + shapeKey(b) + axesKey(over) + shapeKey(c), () => {
    const loops = productLoops(a, b, over, c);
    return isBetterTurned(loops, FEW_ROWS)
      ? { turned: true, ...turnedOver(loops) }
      : { turned: false, ...loops };
  });
}

/** The shape of a product: `matmulShape`. */
export function productShape(
  a: Shape,
  b: Shape,
  over: readonly Axis[],
  last: readonly Axis[] | undefined,
): Shape {
  const key = shapeKey(a) + shapeKey(b) + axesKey(over) + (last === undefined ? "" : axesKey(last));
  return remembered(shapes, key, () => matmulShape(a, b, over, last));
}

/** Made once for a key: working it out takes longer than many a product. */
function remembered<V>(known: Map<string, V>, key: string, make: () => V): V {
  let found = known.get(key);
  if (found === undefined) {
    found = make();
    if (known.size >= MOST) known.clear();
    known.set(key, found);
  }
  return found;
}

/** No two shapes have the same, whatever their axes are called; it ends with its length, so that keys can be joined. */
function shapeKey(shape: Shape): string {
  let key = "";
  let axes = 0;
  for (const axis in shape) {
    key += `${axis.length}:${axis}${shape[axis]},`;
    axes++;
  }
  return `${key}${axes};`;
}

function axesKey(axes: readonly Axis[]): string {
  let key = "";
  for (const axis of axes) key += `${axis.length}:${axis},`;
  return `${key}${axes.length};`;
}
