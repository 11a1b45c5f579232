import { type Half, sizeOf } from "@resolvent/tensor";
import { kernels } from "./kernels.ts";
import type { Machine } from "./machine.ts";
import type { CpuTensor } from "./tensor.ts";

/** What `widen` reads; the same as in assembly/half.ts. */
const halves: Readonly<Record<Half, number>> = { bf16: 0, f16: 1 };

/** The tensor itself, or, where it is kept in 16 bits, its numbers in the engine's precision, for an operation. */
export function inFull(machine: Machine, a: CpuTensor): CpuTensor {
  if (a.half === undefined) return a;
  const from = machine.place(a);
  const result = machine.make(a.shape);
  const args = [result.start, from, halves[a.half]];
  machine.run(kernels.widen, sizeOf(a.shape), 0.15, args, { multiple: 64 });
  return result;
}
