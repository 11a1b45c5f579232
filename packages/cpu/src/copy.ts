import {
  type Axis,
  arrangeShape,
  axesOf,
  broadcastShape,
  concatShape,
  type Ids,
  joinShape,
  putShape,
  type Shape,
  sameShape,
  sizeOf,
  sliceShape,
  stridesOf,
  takeShape,
} from "@resolvent/tensor";
import { kernels } from "./kernels.ts";
import { around, countOf, type Loop, loopsOver, walkOf } from "./layout.ts";
import type { Machine } from "./machine.ts";
import type { CpuTensor } from "./tensor.ts";

/** Copies along loops whose steps are those of the target and of the source, from one address to another. */
function copyLoops(machine: Machine, to: number, from: number, loops: readonly Loop[]): void {
  const count = countOf(loops);
  if (count === 0) return;
  const inner = loops.at(-1);
  const across = loops.findIndex((loop) => loop.steps[1] === 1);
  const columns = loops[across];
  if (inner?.steps[0] === 1 && inner.steps[1] !== 1 && columns !== undefined && columns.size >= 4) {
    const [, rowStep = 0] = inner.steps;
    const [outStep = 0] = columns.steps;
    const others = loops.filter((loop) => loop !== inner && loop !== columns);
    const strips = Math.ceil(columns.size / 32) * countOf(others);
    const walk = walkOf([...others, { size: 1, steps: [1, 1] }]);
    machine.run(kernels.transpose, strips, 35 * inner.size, [
      ...[to, from, inner.size, columns.size, rowStep, outStep],
      ...walk,
    ]);
    return;
  }
  const length = inner?.size ?? 1;
  const lines = count / length;
  machine.run(kernels.copy, lines, 10 + length * 0.15, [to, from, ...walkOf(loops)]);
}

/** A copy in the memory order of `shape`, which may have axes that `a` lacks. */
function arranged(machine: Machine, a: CpuTensor, shape: Shape): CpuTensor {
  const from = machine.at(a);
  const result = machine.make(shape);
  copyLoops(machine, result.start, from, loopsOver(shape, [shape, a.shape]));
  return result;
}

export function arrange(machine: Machine, a: CpuTensor, axes: readonly Axis[]): CpuTensor {
  return inOrder(machine, a, arrangeShape(a.shape, axes));
}

/** `a` in the memory order of `shape`; a view where it has that order already. */
export function inOrder(machine: Machine, a: CpuTensor, shape: Shape): CpuTensor {
  const [loop, more] = loopsOver(shape, [a.shape]);
  const contiguous = more === undefined && (loop === undefined || loop.steps[0] === 1);
  return contiguous || sameShape(shape, a.shape)
    ? machine.view(a, shape)
    : arranged(machine, a, shape);
}

export function join(machine: Machine, a: CpuTensor, axes: readonly Axis[], into: Axis): CpuTensor {
  const shape = joinShape(a.shape, axes, into);
  const first = axesOf(a.shape).find((axis) => axes.includes(axis));
  const order = axesOf(a.shape).flatMap((axis) =>
    axis === first ? axes : axes.includes(axis) ? [] : [axis],
  );
  const ordered = inOrder(machine, a, arrangeShape(a.shape, order));
  return machine.view(ordered, shape);
}

export function slice(
  machine: Machine,
  a: CpuTensor,
  axis: Axis,
  start: number,
  end: number,
): CpuTensor {
  const shape = sliceShape(a.shape, axis, start, end);
  const { outer, inner } = around(a.shape, axis);
  if (outer === 1) return machine.view(a, shape, start * inner);
  const from = machine.at(a) + start * inner * machine.width;
  const result = machine.make(shape);
  copyLoops(machine, result.start, from, loopsOver(shape, [shape, a.shape]));
  return result;
}

export function concat(machine: Machine, parts: readonly CpuTensor[], axis: Axis): CpuTensor {
  const shape = concatShape(
    parts.map((part) => part.shape),
    axis,
  );
  for (const part of parts) machine.at(part);
  const result = machine.make(shape);
  const stride = stridesOf(shape)[axis] as number; // the rule has checked the axis
  let to = result.start;
  for (const part of parts) {
    const size = part.shape[axis] as number; // the rule has checked the axis
    const loops = loopsOver({ ...shape, [axis]: size }, [shape, part.shape]);
    copyLoops(machine, to, machine.at(part), loops);
    to += size * stride * machine.width;
  }
  return result;
}

export function broadcast(machine: Machine, a: CpuTensor, axes: Shape): CpuTensor {
  return arranged(machine, a, broadcastShape(a.shape, axes));
}

export function fill(machine: Machine, shape: Shape, value: number): CpuTensor {
  const result = machine.make(shape);
  machine.run(kernels.fill, sizeOf(shape), 0.2, [result.start], { floats: [value], multiple: 64 });
  return result;
}

/** Copies the ids into lent memory while `use` runs. */
function withIds(machine: Machine, ids: Ids, use: (at: number) => void): void {
  machine.lend(4 * Math.max(1, ids.data.length), (at) => {
    machine.ints(at, ids.data.length).set(ids.data);
    use(at);
  });
}

export function take(machine: Machine, a: CpuTensor, axis: Axis, ids: Ids): CpuTensor {
  const shape = takeShape(a.shape, axis, ids);
  const from = machine.at(a);
  const result = machine.make(shape);
  const { outer, size, inner } = around(a.shape, axis);
  const count = ids.data.length;
  withIds(machine, ids, (at) => {
    const args = [result.start, from, at, count, size, inner];
    machine.run(kernels.take, outer * count, 5 + inner * 0.12, args);
  });
  return result;
}

export function put(machine: Machine, a: CpuTensor, ids: Ids, axis: Axis, size: number): CpuTensor {
  const shape = putShape(a.shape, ids, axis, size);
  const { outer, inner } = around(shape, axis);
  // The indexed axes next to each other, in the order of the ids, where the new axis will stand.
  const indexed = axesOf(ids.shape);
  const order = axesOf(shape).flatMap((name) => (name === axis ? indexed : [name]));
  const ordered = inOrder(machine, a, arrangeShape(a.shape, order));
  const result = machine.make(shape);
  const count = ids.data.length;
  withIds(machine, ids, (at) => {
    const args = [result.start, machine.at(ordered), at, count, size, inner];
    machine.run(kernels.put, outer, (count + size) * inner * 0.4, args);
  });
  return result;
}
