import {
  type Axis,
  axesOf,
  type RotaryOptions,
  type RotaryTable,
  sizeOf,
  stridesOf,
  withoutAxes,
} from "@resolvent/tensor";
import { merged, rotaryShape } from "@resolvent/tensor/rules";
import { kernels } from "./kernels.ts";
import type { Machine } from "./machine.ts";
import type { CpuTensor } from "./tensor.ts";

/** A table's angles in the engine's memory; they stay there as long as the engine. */
export interface Angles {
  readonly cos: CpuTensor;
  readonly sin: CpuTensor;
}

/** A rotation as `Ops.rotary` takes it, and its table's angles. */
export interface Rotation extends RotaryOptions {
  readonly axis: Axis;
  readonly pos: Axis;
  readonly table: RotaryTable;
  readonly angles: Angles;
}

export function rotary(
  machine: Machine,
  a: CpuTensor,
  { axis, pos, table, angles, transpose = false, start = 0 }: Rotation,
): CpuTensor {
  rotaryShape(a.shape, axis, pos, table, start);
  const from = machine.at(a);
  const result = machine.make(a.shape);
  const strides = stridesOf(a.shape);
  const step = strides[axis] as number; // the rule has checked both axes
  const length = a.shape[axis] as number;
  const others = axesOf(withoutAxes(a.shape, [axis, pos]));
  const loops = merged(
    others.map((name) => ({ size: a.shape[name] as number, steps: [strides[name] as number] })), // names of a's axes
  ).reverse();
  // Taking two axes out of a contiguous tensor leaves at most three runs.
  const [size1, step1, size2, step2, , step3] = [0, 1, 2].flatMap((i) => [
    loops[i]?.size ?? 1,
    loops[i]?.steps[0] ?? 0,
  ]) as [number, number, number, number, number, number];
  const args = [
    ...[result.start, from, machine.at(angles.cos), machine.at(angles.sin)],
    ...[length, step, table.pairs, Number(table.pairing === "adjacent"), Number(transpose), start],
    ...(pos === axis ? [1, 0] : [a.shape[pos] as number, strides[pos] as number]),
    ...[size1, step1, size2, step2, step3],
  ];
  if (length === 0) return result;
  machine.run(
    kernels.rotary,
    sizeOf(a.shape) / length,
    10 + length * (step === 1 ? 0.35 : 2),
    args,
  );
  return result;
}
