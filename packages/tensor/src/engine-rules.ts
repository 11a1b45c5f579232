/** The rules of what engines have besides their operations: for `top` and for scopes. */
import { InputError } from "./errors.ts";
import { type Axis, type Shape, sizeAlong, withoutAxes } from "./shape.ts";

/**
 * The shape of the `k` largest along an axis, which comes last in memory.
 * @throws InputError `tensor/no-axis`, `tensor/bad-count`
 */
export function topShape(a: Shape, axis: Axis, k: number): Shape {
  const size = sizeAlong(a, axis, "top");
  if (!(Number.isInteger(k) && k >= 1 && k <= size)) {
    throw new InputError({
      code: "tensor/bad-count",
      message: `top: expected a whole number from 1 to the ${size} entries of "${axis}", got ${k}.`,
      remedy: "Ask for at most as many as the axis has.",
      details: { where: "top", axis, size, got: k },
    });
  }
  return { ...withoutAxes(a, [axis]), [axis]: k };
}
