import {
  type Axis,
  axesOf,
  type FactorBy,
  type NormBy,
  type Normed,
  sizeOf,
} from "@resolvent/tensor";
import { alongShape } from "@resolvent/tensor/rules";
import { kernels } from "./kernels.ts";
import type { Machine } from "./machine.ts";
import type { CpuTensor } from "./tensor.ts";

/** A norm in one pass; undefined where the axis is not the last in memory, or an operand does not lie along the end. */
export function norm(
  machine: Machine,
  a: CpuTensor,
  axis: Axis,
  { centred, eps, scale, bias }: NormBy<CpuTensor>,
): Normed<CpuTensor> | undefined {
  const dropped = alongShape(a.shape, axis, "norm");
  const alone = (operand: CpuTensor | undefined): boolean =>
    operand === undefined || (axesOf(operand.shape).length === 1 && axis in operand.shape);
  if (!isLast(a, axis) || !alone(scale) || !alone(bias)) return undefined;
  const [normed, sigma] = [machine.make(a.shape), machine.make(dropped)];
  run(machine, a, normed, { centred, eps, sigma, scale, bias });
  return { normed, sigma };
}

/** The same by factors that are given: `γ / σ`. */
export function normBy(
  machine: Machine,
  a: CpuTensor,
  axis: Axis,
  { centred, factor, bias }: FactorBy<CpuTensor>,
): CpuTensor | undefined {
  alongShape(a.shape, axis, "norm");
  const axes = axesOf(factor.shape);
  const last = axesOf(a.shape).slice(-axes.length);
  const ends = axes.every((name, i) => name === last[i] && factor.shape[name] === a.shape[name]);
  const alone = bias === undefined || axesOf(bias.shape).length === 1;
  if (!isLast(a, axis) || !ends || !(axis in factor.shape) || !alone) return undefined;
  const normed = machine.make(a.shape);
  run(machine, a, normed, { centred, scale: factor, bias });
  return normed;
}

function isLast(a: CpuTensor, axis: Axis): boolean {
  return axesOf(a.shape).at(-1) === axis && sizeOf(a.shape) > 0;
}

function run(
  machine: Machine,
  a: CpuTensor,
  normed: CpuTensor,
  {
    centred,
    eps = 0,
    sigma,
    scale,
    bias,
  }: {
    centred: boolean;
    eps?: number;
    sigma?: CpuTensor;
    scale: CpuTensor | undefined;
    bias: CpuTensor | undefined;
  },
): void {
  const length = Object.values(a.shape).at(-1) as number; // the axis is the last
  const at = (operand: CpuTensor | undefined): number =>
    operand === undefined ? 0 : machine.at(operand);
  const period = scale === undefined ? 1 : sizeOf(scale.shape) / length;
  const args = [
    normed.start,
    machine.at(a),
    length,
    Number(centred),
    at(sigma),
    at(scale),
    period,
    at(bias),
  ];
  machine.run(kernels.norm, sizeOf(a.shape) / length, 20 + length * 0.5, args, { floats: [eps] });
}
