/** Memory as loops, for engines: how far one goes in it, and which numbers lie together. */
import type { CausalMask, Ids } from "../ops.ts";
import { type Axis, axesOf, type Shape, sizeOf, stridesOf } from "../shape.ts";

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

/** How many numbers lie next to each other along the fastest loop, in tensor number `which`. */
export function adjacentRun(loops: readonly Loop[], which: number): number {
  const inner = loops.at(-1);
  return inner?.steps[which] === 1 ? inner.size : 1;
}

/**
 * Loops over two tensors as the numbers that a kernel takes: size and steps of the fastest; how many are around it, and
 * size and steps of each of these, the next fastest first.
 */
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

/** Sizes of a shape before, at, and after one axis, or a run of neighbouring ones. */
export interface Around {
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
}

/** `size` is 1 where the shape has no such axis. */
export function around(shape: Shape, axis: Axis): Around {
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

/**
 * A sum over some axes as sums over each run of neighbouring ones in turn, the last run first: each is over what the one
 * before has left. The shape has no empty axis.
 */
export function sumRuns(shape: Shape, axes: readonly Axis[]): Around[] {
  const runs: Around[] = [];
  let outer = sizeOf(shape);
  let inner = 1;
  for (const axis of axesOf(shape).reverse()) {
    const size = shape[axis] as number; // axis comes from the same shape
    const before = runs.at(-1);
    outer /= size;
    if (size === 1) continue;
    if (!axes.includes(axis)) inner *= size;
    else if (before?.inner === inner) {
      runs[runs.length - 1] = { outer, size: before.size * size, inner };
    } else runs.push({ outer, size, inner });
  }
  return runs;
}

/** More keys than there can be. */
const ALL_KEYS = 2 ** 30;

/**
 * A causal mask as the numbers `[after, queries, offset, window]` that a kernel takes, for rows along `axis`, the last in
 * memory: row `r` is query `⌊r / after⌋ mod queries`, and sees keys as `CausalMask` says. Without a mask `queries` is 0.
 */
export function maskNumbers(shape: Shape, axis: Axis, mask: CausalMask | undefined): number[] {
  if (mask === undefined) return [1, 0, 0, 0];
  const { query, offset = 0, window = ALL_KEYS } = mask;
  // Along its own axis there is nothing to count: every row is query 0.
  const { size, inner } = query === axis ? { size: 1, inner: 1 } : around(shape, query);
  const after = query === axis ? 1 : inner / (shape[axis] as number); // softmaxShape has checked the axis
  return [after, size, Math.min(offset, ALL_KEYS), Math.min(window, ALL_KEYS)];
}

/** Ids in the order of their rows, those of one row as they came, and where each row starts; ids are below `size`. */
export function rowsOrder({ data }: Ids, size: number): { starts: Int32Array; order: Int32Array } {
  const starts = new Int32Array(size + 1);
  for (const row of data) starts[row + 1] = (starts[row + 1] as number) + 1; // ids have been checked
  for (let row = 0; row < size; row++)
    starts[row + 1] = (starts[row + 1] as number) + (starts[row] as number); // within
  const next = starts.slice();
  const order = new Int32Array(data.length);
  for (let pair = 0; pair < data.length; pair++) {
    const row = data[pair] as number; // within
    const at = next[row] as number; // likewise
    order[at] = pair;
    next[row] = at + 1;
  }
  return { starts, order };
}
