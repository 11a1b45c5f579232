import { sameShape, sizeOf } from "@resolvent/tensor";
import { binaryShape, loopsOver, walkOf } from "@resolvent/tensor/rules";
import { kernels, maps, zips } from "./kernels.ts";
import type { Machine } from "./machine.ts";
import type { CpuTensor } from "./tensor.ts";

/** One function of each entry. */
export function map(
  machine: Machine,
  a: CpuTensor,
  what: keyof typeof maps,
  factor = 0,
): CpuTensor {
  const from = machine.at(a);
  const result = machine.make(a.shape);
  // Nanoseconds for an entry, measured: read and written, or put through a function.
  const cost = what === "scale" || what === "relu" ? 0.1 : 1.2;
  machine.run(kernels.map, sizeOf(a.shape), cost, [result.start, from, maps[what]], {
    floats: [factor],
    multiple: 64,
  });
  return result;
}

/** One function of each pair of entries, over the union of the axes. */
export function zip(
  machine: Machine,
  a: CpuTensor,
  b: CpuTensor,
  what: keyof typeof zips,
): CpuTensor {
  const shape = binaryShape(a.shape, b.shape, what);
  const [left, right] = [machine.at(a), machine.at(b)];
  const result = machine.make(shape);
  const walk = sameShape(a.shape, b.shape)
    ? [sizeOf(shape), 1, 1, 0] // one line
    : walkOf(loopsOver(shape, [a.shape, b.shape]));
  machine.run(kernels.zip, sizeOf(shape), 0.12, [result.start, left, right, zips[what], ...walk], {
    multiple: 64,
  });
  return result;
}
