import { type Axis, stridesOf } from "@resolvent/tensor";
import type { Graph } from "./graph.ts";
import { slice } from "./layout.ts";
import { zip } from "./operations.ts";
import type { WebgpuTensor } from "./tensor.ts";

/** An axis that an operand has, and how far apart its entries are. */
interface Stride {
  readonly axis: Axis;
  readonly size: number;
  readonly step: number;
}

/**
 * What is summed over some axes as the sum over one half of one of them and that over the other, where a kernel would
 * see too many buffers for a single number of the result; undefined where it does not.
 */
export function inHalves(
  graph: Graph,
  operands: readonly WebgpuTensor[],
  axes: readonly Axis[],
  summed: (halves: readonly WebgpuTensor[]) => WebgpuTensor,
): WebgpuTensor | undefined {
  const { words, most } = graph.queue.traits;
  const all = operands.map(({ shape }) => {
    const strides = stridesOf(shape);
    const along = axes.map((axis): Stride => {
      return { axis, size: shape[axis] ?? 1, step: strides[axis] ?? 0 };
    });
    return { along, length: along.reduce((sum, { size, step }) => sum + (size - 1) * step, 1) };
  });
  // What is added up may start and end within a buffer; one is written.
  const seen = all.reduce((sum, { length }) => sum + Math.ceil(length / words) + 1, 1);
  if (seen <= most) return undefined;
  const [longest] = all.toSorted((x, y) => y.length - x.length);
  const [wide] = (longest?.along ?? [])
    .filter(({ size }) => size > 1)
    .toSorted((x, y) => y.step - x.step);
  if (wide === undefined) return undefined;
  const half = Math.ceil(wide.size / 2);
  const part = (from: number, to: number): WebgpuTensor =>
    summed(operands.map((each) => slice(graph, each, wide.axis, from, to)));
  return zip(graph, part(0, half), part(half, wide.size), "add");
}
