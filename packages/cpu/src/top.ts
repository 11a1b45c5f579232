import { type Axis, sizeOf, type Top } from "@resolvent/tensor";
import { arrangeShape, topShape } from "@resolvent/tensor/rules";
import { inOrder } from "./copy.ts";
import { kernels } from "./kernels.ts";
import type { Machine } from "./machine.ts";
import type { CpuTensor } from "./tensor.ts";

/** The largest along an axis, found where the numbers are; only what is found is copied. */
export function top(machine: Machine, a: CpuTensor, axis: Axis, k: number): Top {
  const shape = topShape(a.shape, axis, k);
  const last = arrangeShape(a.shape, [axis]);
  const source = inOrder(machine, a, last);
  const length = last[axis] as number; // the rule has checked the axis
  const count = sizeOf(shape);
  const values = machine.make(shape);
  return machine.lend(4 * Math.max(1, count), (indices) => {
    const args = [values.start, indices, machine.at(source), length, k];
    machine.run(kernels.top, sizeOf(last) / length, 50 + length * 0.15 + k * 40, args);
    return {
      indices: { shape, data: machine.ints(indices, count).slice() },
      values: { shape, data: machine.numbers(values).slice() },
    };
  });
}
