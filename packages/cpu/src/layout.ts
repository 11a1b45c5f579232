import { type Axis, axesOf, type Shape, stridesOf } from "@resolvent/tensor";

/** An axis of a loop: how often, and how far one step goes in each of several tensors, in numbers. */
export interface Loop {
  readonly size: number;
  readonly steps: readonly number[];
}

/** The steps of a tensor along the given axes; 0 along those it lacks. */
export function stepsAlong(shape: Shape, axes: readonly Axis[]): number[] {
  const strides = stridesOf(shape);
  return axes.map((axis) => strides[axis] ?? 0);
}

/** Loops over `shape`, slowest first, with the steps of each tensor, as few as memory allows. */
export function loopsOver(shape: Shape, tensors: readonly Shape[]): Loop[] {
  const axes = axesOf(shape);
  const steps = tensors.map((tensor) => stepsAlong(tensor, axes));
  return merged(
    axes.map((axis, i) => ({
      size: shape[axis] as number, // axis comes from the same shape
      steps: steps.map((of) => of[i] as number), // one step an axis
    })),
  );
}

/** The same loops without those of size 1, and with neighbours joined where one continues the other. */
export function merged(loops: readonly Loop[]): Loop[] {
  const result: Loop[] = [];
  for (const loop of loops) {
    if (loop.size === 1) continue;
    const before = result.at(-1);
    const continues =
      before?.steps.every((step, i) => step === (loop.steps[i] as number) * loop.size) ?? false; // same tensors
    if (before !== undefined && continues) {
      result[result.length - 1] = { size: before.size * loop.size, steps: loop.steps };
    } else result.push(loop);
  }
  return result;
}

/** Number of steps of all loops together. */
export function countOf(loops: readonly Loop[]): number {
  return loops.reduce((count, loop) => count * loop.size, 1);
}

/** The arguments of a walk (assembly/walk.ts): the fastest loop inside, the others around it. */
export function walkOf(loops: readonly Loop[]): number[] {
  const inner = loops.at(-1);
  const outer = loops.slice(0, -1).reverse();
  return [
    inner?.size ?? 1,
    ...(inner?.steps ?? [1, 1]),
    outer.length,
    ...outer.flatMap((loop) => [loop.size, ...loop.steps]),
  ];
}

/** Sizes of a shape before, at, and after one axis. */
export function around(shape: Shape, axis: Axis): { outer: number; size: number; inner: number } {
  let outer = 1;
  let inner = 1;
  let found = false;
  for (const name of axesOf(shape)) {
    const size = shape[name] as number; // name comes from the same shape
    if (name === axis) found = true;
    else if (found) inner *= size;
    else outer *= size;
  }
  return { outer, size: shape[axis] ?? 1, inner };
}
