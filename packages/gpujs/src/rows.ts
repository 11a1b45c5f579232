import {
  type Axis,
  type CausalMask,
  placesIn,
  type Shape,
  sizeOf,
  type Tensor,
} from "@resolvent/tensor";
import { alongShape, softmaxShape, sumShape } from "@resolvent/tensor/rules";
import type { Device } from "./device.ts";
import { numbersOf, onHost } from "./host.ts";

/** A tensor with some axes last in memory, as rows over them. */
interface Rows {
  readonly data: Float32Array;
  readonly count: number;
  readonly length: number;
}

function rowsOf(a: Tensor, axes: readonly Axis[], kept: Shape): Rows {
  const count = sizeOf(kept);
  const data = numbersOf(onHost.arrange(a, axes));
  return { data, count, length: axes.reduce((size, axis) => size * (a.shape[axis] ?? 1), 1) };
}

/** Rows as a tensor in the memory order of `a`. */
function backIn(shape: Shape, kept: Shape, axis: Axis, data: Float32Array): Tensor {
  const rows = { shape: { ...kept, [axis]: shape[axis] as number }, data }; // the rule has checked the axis
  return onHost.arrange(rows, Object.keys(shape));
}

export function sum(device: Device, a: Tensor, axes: readonly Axis[]): Tensor {
  const shape = sumShape(a.shape, axes);
  const { data, count, length } = rowsOf(a, axes, shape);
  if (length === 0) return onHost.fill(shape, 0);
  return { shape, data: device.run("total", [count], [data, length]) };
}

export function center(device: Device, a: Tensor, axis: Axis): Tensor {
  const kept = alongShape(a.shape, axis, "center");
  const { data, count, length } = rowsOf(a, [axis], kept);
  const totals = device.run("total", [count], [data, length]);
  const centred = device.run("centred", [length, 1, count], [data, totals, length]);
  return backIn(a.shape, kept, axis, centred);
}

export function rms(device: Device, a: Tensor, axis: Axis, eps: number): Tensor {
  const shape = alongShape(a.shape, axis, "rms");
  const { data, count, length } = rowsOf(a, [axis], shape);
  return { shape, data: device.run("rms", [count], [data, length, eps]) };
}

export function softmax(device: Device, a: Tensor, axis: Axis, mask?: CausalMask): Tensor {
  softmaxShape(a.shape, axis, mask);
  const kept = alongShape(a.shape, axis, "softmax");
  const { data, count, length } = rowsOf(a, [axis], kept);
  const { from, to } = visible(kept, length, mask);
  const largest = device.run("largest", [count], [data, from, to, length]);
  const totals = device.run("expTotal", [count], [data, largest, from, to, length]);
  const shares = device.run("share", [length, 1, count], [data, largest, totals, from, to, length]);
  return backIn(a.shape, kept, axis, shares);
}

export function logsumexp(device: Device, a: Tensor, axis: Axis): Tensor {
  const shape = alongShape(a.shape, axis, "logsumexp");
  const { data, count, length } = rowsOf(a, [axis], shape);
  const { from, to } = visible(shape, length, undefined);
  const largest = device.run("largest", [count], [data, from, to, length]);
  const totals = device.run("expTotal", [count], [data, largest, from, to, length]);
  return { shape, data: device.run("plusLog", [count], [largest, totals]) };
}

/** The first key of each row that its query sees, and the one after the last. */
function visible(
  rows: Shape,
  keys: number,
  mask: CausalMask | undefined,
): { readonly from: Float32Array; readonly to: Float32Array } {
  const count = sizeOf(rows);
  if (mask === undefined)
    return { from: new Float32Array(count), to: new Float32Array(count).fill(keys) };
  const { query, offset = 0, window = Number.POSITIVE_INFINITY } = mask;
  const queries = placesIn({ [query]: rows[query] as number }, rows); // the rule has checked the axis
  const end = (i: number): number => i + offset + 1;
  return {
    from: Float32Array.from(queries, (i) => Math.max(0, end(i) - window)),
    to: Float32Array.from(queries, (i) => Math.min(keys, end(i))),
  };
}
