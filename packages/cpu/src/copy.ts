import {
  type Axis,
  axesOf,
  type Half,
  type Ids,
  type Shape,
  sameShape,
  sizeOf,
  stridesOf,
} from "@resolvent/tensor";
import {
  around,
  arrangeShape,
  broadcastShape,
  concatShape,
  countOf,
  joinShape,
  type Loop,
  loopsOver,
  neighbours,
  putShape,
  sliceShape,
  takeShape,
  walkOf,
} from "@resolvent/tensor/rules";
import { inFull } from "./half.ts";
import { kernels } from "./kernels.ts";
import type { Machine } from "./machine.ts";
import type { CpuTensor } from "./tensor.ts";

/** Copies along loops whose steps are those of the target and of the source, from one address to another. */
function copyLoops(
  machine: Machine,
  to: number,
  from: number,
  loops: readonly Loop[],
  half: Half | undefined,
): void {
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
    const kernel = half === undefined ? kernels.transpose : kernels.transpose16;
    machine.run(kernel, strips, 35 * inner.size, [
      ...[to, from, inner.size, columns.size, rowStep, outStep],
      ...walk,
    ]);
    return;
  }
  const length = inner?.size ?? 1;
  const lines = count / length;
  const kernel = half === undefined ? kernels.copy : kernels.copy16;
  machine.run(kernel, lines, 10 + length * 0.15, [to, from, ...walkOf(loops)]);
}

/** A copy in the memory order of `shape`, which may have axes that `a` lacks. */
function arranged(machine: Machine, a: CpuTensor, shape: Shape): CpuTensor {
  const from = machine.place(a);
  const result = machine.make(shape, a.half);
  copyLoops(machine, result.start, from, loopsOver(shape, [shape, a.shape]), a.half);
  return result;
}

export function arrange(machine: Machine, a: CpuTensor, axes: readonly Axis[]): CpuTensor {
  return inOrder(machine, a, arrangeShape(a.shape, axes));
}

/** `a` in the memory order of `shape`; a view where it has that order already. */
export function inOrder(machine: Machine, a: CpuTensor, shape: Shape): CpuTensor {
  if (sameShape(shape, a.shape)) return machine.view(a, shape);
  const [loop, more] = loopsOver(shape, [a.shape]);
  const contiguous = more === undefined && (loop === undefined || loop.steps[0] === 1);
  return contiguous ? machine.view(a, shape) : arranged(machine, a, shape);
}

export function join(machine: Machine, a: CpuTensor, axes: readonly Axis[], into: Axis): CpuTensor {
  const shape = joinShape(a.shape, axes, into);
  return machine.view(inOrder(machine, a, neighbours(a.shape, axes)), shape);
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
  const from = machine.place(a) + start * inner * machine.widthOf(a);
  const result = machine.make(shape, a.half);
  copyLoops(machine, result.start, from, loopsOver(shape, [shape, a.shape]), a.half);
  return result;
}

export function concat(machine: Machine, all: readonly CpuTensor[], axis: Axis): CpuTensor {
  const shape = concatShape(
    all.map((part) => part.shape),
    axis,
  );
  const half = all[0]?.half;
  const alike = all.every((part) => part.half === half);
  const parts = alike ? all : all.map((part) => inFull(machine, part));
  for (const part of parts) machine.place(part);
  const result = machine.make(shape, alike ? half : undefined);
  const stride = stridesOf(shape)[axis] as number; // the rule has checked the axis
  let to = result.start;
  for (const part of parts) {
    const size = part.shape[axis] as number; // the rule has checked the axis
    const loops = loopsOver({ ...shape, [axis]: size }, [shape, part.shape]);
    copyLoops(machine, to, machine.place(part), loops, part.half);
    to += size * stride * machine.widthOf(part);
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
  const from = machine.place(a);
  const result = machine.make(shape, a.half);
  const { outer, size, inner } = around(a.shape, axis);
  const count = ids.data.length;
  withIds(machine, ids, (at) => {
    const args = [result.start, from, at, count, size, inner];
    const kernel = a.half === undefined ? kernels.take : kernels.take16;
    machine.run(kernel, outer * count, 5 + inner * 0.12, args);
  });
  return inFull(machine, result); // the rows only, not all of them
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
