import type { Shape } from "@resolvent/tensor";
import type { Machine } from "./machine.ts";
import type { CpuTensor } from "./tensor.ts";

/** A tensor to try kernels on: numbers in [−½, ½) that look like chance and are the same every time. */
export function trialTensor(machine: Machine, shape: Shape, seed: number): CpuTensor {
  const result = machine.make(shape);
  const numbers = machine.numbers(result);
  let state = seed;
  for (let i = 0; i < numbers.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    numbers[i] = state / 2 ** 32 - 0.5;
  }
  return result;
}
