import { type Axis, type CausalMask, type Shape, sizeOf } from "@resolvent/tensor";
import {
  type Around,
  alongShape,
  arrangeShape,
  maskNumbers,
  softmaxShape,
  sumRuns,
  sumShape,
} from "@resolvent/tensor/rules";
import { fill, inOrder } from "./copy.ts";
import { alongs, kernels } from "./kernels.ts";
import type { Machine } from "./machine.ts";
import type { CpuTensor } from "./tensor.ts";

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
  machine.run(kernels.rows, rows, cost, [...args, ...maskNumbers(last, axis, options.mask)], {
    floats: [options.eps ?? 0],
  });
  return keeps ? inOrder(machine, target, result) : target;
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
  const left = sumRuns(a.shape, axes).reduce((from, run) => sumMiddle(machine, from, run), a);
  return machine.view(left, shape);
}

function sumMiddle(
  machine: Machine,
  a: CpuTensor,
  { outer, size: length, inner }: Around,
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
