import { type AdamFactors, type AdamMoments, type AdamMove, sizeOf } from "@resolvent/tensor";
import { binaryShape } from "@resolvent/tensor/rules";
import { inOrder } from "./copy.ts";
import { kernels } from "./kernels.ts";
import type { Machine } from "./machine.ts";
import type { CpuTensor } from "./tensor.ts";

/** One step of Adam in one pass. */
export function adam(
  machine: Machine,
  { first, second }: AdamMoments<CpuTensor>,
  gradient: CpuTensor,
  { keepFirst, addFirst, keepSecond, addSecond, rate, eps }: AdamFactors,
): AdamMove<CpuTensor> {
  const shape = binaryShape(first.shape, gradient.shape, "add");
  binaryShape(shape, second.shape, "add");
  const places = [gradient, first, second].map((a) => machine.at(inOrder(machine, a, shape)));
  const made: AdamMove<CpuTensor> = {
    first: machine.make(shape),
    second: machine.make(shape),
    move: machine.make(shape),
  };
  const factors = [keepFirst, addFirst, keepSecond, addSecond, rate, eps];
  machine.lend(8 * factors.length, (start) => {
    machine.doubles(start, factors.length).set(factors);
    const args = [made.first, made.second, made.move].map((a) => a.start);
    machine.run(kernels.adam, sizeOf(shape), 0.6, [...args, ...places, start], { multiple: 64 });
  });
  return made;
}
