/** The rules of what engines have besides their operations: for `top` and for scopes. */
import { InputError } from "../errors.ts";
import { type Axis, type Shape, sizeAlong, withoutAxes } from "../shape.ts";

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

/**
 * What the body of a scope gave, where it is no promise: a scope ends when its body returns, before a promise is kept.
 * @throws InputError `tensor/async-scope`
 */
export function scopeResult<R>(result: R): R {
  if (!isThenable(result)) return result;
  result.then(undefined, () => {}); // that what it goes on to use is freed is said here, not a second time
  throw new InputError({
    code: "tensor/async-scope",
    message: "scope: expected a body that gives its result at once, got a promise.",
    remedy: "A scope ends when its body returns: await outside of it, as `using` does.",
    details: { where: "scope" },
  });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
