import { axesOf, type Finish, type Shape, sizeOf } from "@resolvent/tensor";
import { kernels, maps } from "./kernels.ts";
import type { Machine } from "./machine.ts";
import { map, zip } from "./map.ts";
import type { CpuTensor } from "./tensor.ts";

/** A finish as kernels take it, for lines of any width that fits: see assembly/finish.ts. */
export interface Finishing {
  /** Numbers of a line, where nothing else asks for others. */
  readonly width: number;
  /** Whether operands are whole lines of this width. */
  fits(width: number): boolean;
  args(width: number): number[];
  /** Nanoseconds for an entry, about. */
  readonly cost: number;
}

/** The finish of a result; undefined where its operands do not lie in memory as the end of the result does. */
export function finishing(
  machine: Machine,
  result: CpuTensor,
  { shift, factor, activation, onto }: Finish<CpuTensor>,
): Finishing | undefined {
  const operands = [shift, factor, onto].flatMap((operand) => operand ?? []);
  if (!operands.every((operand) => ends(result.shape, operand))) return undefined;
  const sizes = operands.map(({ shape }) => sizeOf(shape));
  const least = Math.min(sizeOf(result.shape), ...sizes);
  const inner = Object.values(result.shape).at(-1) ?? 1;
  const lines = (operand: CpuTensor | undefined, width: number): number[] =>
    operand === undefined ? [0, 1] : [machine.at(operand), sizeOf(operand.shape) / width];
  return {
    width: least < sizeOf(result.shape) ? least : inner,
    fits: (width) => sizes.every((size) => size % width === 0),
    args: (width) => [
      ...[result.start, width, ...lines(shift, width), ...lines(factor, width)],
      ...[activation === undefined ? -1 : maps[activation], ...lines(onto, width)],
    ],
    cost: activation === undefined ? 0.15 : 1.3,
  };
}

/** Whether an operand has the last axes of a shape, in their order. */
function ends(shape: Shape, { shape: own }: CpuTensor): boolean {
  const axes = axesOf(own);
  const last = axesOf(shape).slice(-axes.length);
  return axes.every((axis, i) => axis === last[i] && own[axis] === shape[axis]);
}

/** Finishes a result in place, in one pass. */
export function finishInPlace(
  machine: Machine,
  result: CpuTensor,
  { width, args, cost }: Finishing,
): void {
  machine.run(kernels.finish, sizeOf(result.shape) / width, width * cost, args(width));
}

/** The same by one operation after the other. */
export function finishedApart(
  machine: Machine,
  product: CpuTensor,
  { shift, factor, activation, onto }: Finish<CpuTensor>,
): CpuTensor {
  let result = product;
  if (shift !== undefined) result = zip(machine, result, shift, "add");
  if (factor !== undefined) result = zip(machine, result, factor, "mul");
  if (activation !== undefined)
    result = zip(machine, result, map(machine, result, activation), "mul");
  return onto === undefined ? result : zip(machine, onto, result, "add");
}
