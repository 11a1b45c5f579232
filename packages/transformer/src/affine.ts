import { type Axis, type Finish, finishedProduct, type Ops, type Shaped } from "@resolvent/tensor";

/** `x·W + b`, contracted over the named axes, and what else is done with it, in one pass where the interpreter has that. */
export function affine<T extends Shaped>(
  ops: Ops<T>,
  x: T,
  { W, b }: { readonly W: T; readonly b: T | undefined },
  over: readonly Axis[],
  last?: readonly Axis[],
  finish: Omit<Finish<T>, "shift"> = {},
): T {
  return finishedProduct(
    ops,
    [x, W],
    over,
    last,
    b === undefined ? finish : { shift: b, ...finish },
  );
}
