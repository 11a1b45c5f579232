import { type Axis, axesOf, type CausalMask, type Shape, sizeOf } from "@resolvent/tensor";
import { alongShape, arrangeShape, softmaxShape, sumShape } from "@resolvent/tensor/rules";
import { fill, inOrder } from "./copy.ts";
import { alongs, kernels } from "./kernels.ts";
import { around } from "./layout.ts";
import type { Machine } from "./machine.ts";
import type { CpuTensor } from "./tensor.ts";

/** More keys than there can be. */
const ALL_KEYS = 2 ** 30;

/** Columns summed at a time; the same as in assembly/rows.ts. */
const COLUMNS = 64;

/** Runs a kernel along an axis, which is moved last first, and back afterwards where the result keeps it. */
function along(
  machine: Machine,
  a: CpuTensor,
  axis: Axis,
  result: Shape,
  what: keyof typeof alongs,
  options: { eps?: number; mask?: CausalMask | undefined } = {},
): CpuTensor {
  const last = arrangeShape(a.shape, [axis]);
  const source = inOrder(machine, a, last);
  const length = last[axis] as number; // the rule has checked the axis
  const rows = sizeOf(last) / length;
  const keeps = axis in result;
  const target = machine.make(keeps ? last : result);
  const args = [target.start, source.start, length, alongs[what]];
  const cost = 10 + length * (what === "softmax" || what === "logsumexp" ? 2 : 0.2);
  machine.run(kernels.rows, rows, cost, [...args, ...maskArgs(last, axis, options.mask)], {
    floats: [options.eps ?? 0],
  });
  return keeps ? inOrder(machine, target, result) : target;
}

function maskArgs(shape: Shape, axis: Axis, mask: CausalMask | undefined): number[] {
  if (mask === undefined) return [1, 0, 0, 0];
  const { query, offset = 0, window = ALL_KEYS } = mask;
  // Along its own axis there is nothing to count: every row is query 0.
  const { size, inner } = query === axis ? { size: 1, inner: 1 } : around(shape, query);
  const after = query === axis ? 1 : inner / (shape[axis] as number); // softmaxShape has checked the axis
  return [after, size, Math.min(offset, ALL_KEYS), Math.min(window, ALL_KEYS)];
}

export function softmax(
  machine: Machine,
  a: CpuTensor,
  axis: Axis,
  mask: CausalMask | undefined,
): CpuTensor {
  return along(machine, a, axis, softmaxShape(a.shape, axis, mask), "softmax", { mask });
}

export function logsumexp(machine: Machine, a: CpuTensor, axis: Axis): CpuTensor {
  return along(machine, a, axis, alongShape(a.shape, axis, "logsumexp"), "logsumexp");
}

export function center(machine: Machine, a: CpuTensor, axis: Axis): CpuTensor {
  alongShape(a.shape, axis, "center");
  return along(machine, a, axis, a.shape, "center");
}

export function rms(machine: Machine, a: CpuTensor, axis: Axis, eps: number): CpuTensor {
  return along(machine, a, axis, alongShape(a.shape, axis, "rms"), "rms", { eps });
}

/** Sums over each run of neighbouring axes in turn, the last first. */
export function sum(machine: Machine, a: CpuTensor, axes: readonly Axis[]): CpuTensor {
  const shape = sumShape(a.shape, axes);
  if (sizeOf(a.shape) === 0) {
    machine.at(a);
    return fill(machine, shape, 0);
  }
  const runs: { size: number; summed: boolean }[] = [];
  for (const axis of axesOf(a.shape)) {
    const size = a.shape[axis] as number; // axis comes from the same shape
    const summed = axes.includes(axis);
    const before = runs.at(-1);
    if (size === 1) continue;
    if (before?.summed === summed) before.size *= size;
    else runs.push({ size, summed });
  }
  let current = a;
  let inner = 1;
  let outer = sizeOf(a.shape);
  for (const { size, summed } of runs.reverse()) {
    outer /= size;
    if (!summed) {
      inner *= size;
      continue;
    }
    current = sumMiddle(machine, current, outer, size, inner);
  }
  return machine.view(current, shape);
}

function sumMiddle(
  machine: Machine,
  a: CpuTensor,
  outer: number,
  length: number,
  inner: number,
): CpuTensor {
  const result = machine.make({ outer, inner });
  const args = [result.start, machine.at(a), length, inner];
  if (inner === 1) machine.run(kernels.sumRows, outer, 5 + length * 0.06, args);
  else {
    const strips = outer * Math.ceil(inner / COLUMNS);
    machine.run(kernels.sumColumns, strips, 5 + length * Math.min(inner, COLUMNS) * 0.15, args);
  }
  return result;
}
