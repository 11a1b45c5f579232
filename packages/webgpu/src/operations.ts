import {
  type Axis,
  axesOf,
  type CausalMask,
  type RotaryOptions,
  type RotaryTable,
  type Shape,
  sizeOf,
  stridesOf,
} from "@resolvent/tensor";
import {
  type Around,
  around,
  arrangeShape,
  binaryShape,
  maskNumbers,
  matmulShape,
  productLoops,
  rotaryShape,
  sumRuns,
  sumShape,
} from "@resolvent/tensor/rules";
import type { Graph } from "./graph.ts";
import { placed, slice, whole } from "./layout.ts";
import { inLine, type MapName, type RowsName, type Turn, type Work, type ZipName } from "./node.ts";
import type { WebgpuTensor } from "./tensor.ts";

/** One number everywhere. */
export function fill(graph: Graph, shape: Shape, value: number): WebgpuTensor {
  return graph.record({ type: "fill", value }, shape, []);
}

/** One function of each entry. */
export function map(graph: Graph, a: WebgpuTensor, name: MapName, factor = 0): WebgpuTensor {
  return graph.record({ type: "point", name, factor }, a.shape, [whole(graph, a)]);
}

/** One function of each pair of entries, over the union of the axes. */
export function zip(graph: Graph, a: WebgpuTensor, b: WebgpuTensor, name: ZipName): WebgpuTensor {
  const shape = binaryShape(a.shape, b.shape, name);
  const sources = [placed(graph, a, shape), placed(graph, b, shape)];
  return graph.record({ type: "point", name, factor: 0 }, shape, sources);
}

/** A sum or norm along an axis, wherever that lies in memory. */
export function along(
  graph: Graph,
  a: WebgpuTensor,
  axis: Axis,
  shape: Shape,
  name: RowsName,
  { eps = 0, mask }: { readonly eps?: number; readonly mask?: CausalMask | undefined } = {},
): WebgpuTensor {
  const last = arrangeShape(a.shape, [axis]);
  const numbers = mask && maskNumbers(last, axis, mask);
  const work: Work = { type: "rows", name, around: around(a.shape, axis), eps, mask: numbers };
  return graph.record(work, shape, [whole(graph, a)]);
}

/** Sums over each run of neighbouring axes in turn, the last first. */
export function sum(graph: Graph, a: WebgpuTensor, axes: readonly Axis[]): WebgpuTensor {
  const shape = sumShape(a.shape, axes);
  if (sizeOf(a.shape) === 0) {
    graph.see(a);
    return fill(graph, shape, 0);
  }
  const halved = inHalves(graph, [a], axes, ([half = a]) => sum(graph, half, axes));
  if (halved !== undefined) return halved;
  const left = sumRuns(a.shape, axes)
    .flatMap(inParts)
    .reduce(
      (from, run) =>
        graph.record(
          { type: "rows", name: "sum", around: run, eps: 0, mask: undefined },
          { outer: run.outer, inner: run.inner },
          [whole(graph, from)],
        ),
      a,
    );
  return graph.view(left, shape);
}

/** So many entries are a long sum, so many rows keep a device busy, and so many parts are enough. */
const [LONG, BUSY, PARTS] = [2 ** 14, 64, 1024];

/** A long sum of few rows as sums of its parts, and their sum: one workgroup alone would take long. */
function inParts({ outer, size, inner }: Around): Around[] {
  const run = { outer, size, inner };
  if (inner > 1 || outer >= BUSY || size < LONG) return [run];
  let parts = PARTS;
  while (size % parts !== 0) parts--;
  return parts === 1
    ? [run]
    : [
        { outer: outer * parts, size: size / parts, inner },
        { outer, size: parts, inner },
      ];
}

/** See `Ops.matmul`. Every axis order is read and written in place; nothing is rearranged. */
export function matmul(
  graph: Graph,
  a: WebgpuTensor,
  b: WebgpuTensor,
  over: readonly Axis[],
  last: readonly Axis[] | undefined,
): WebgpuTensor {
  const shape = matmulShape(a.shape, b.shape, over, last);
  const sources = [whole(graph, a), whole(graph, b)];
  if (over.some((axis) => a.shape[axis] === 0)) return fill(graph, shape, 0);
  const order = axesOf(shape);
  const halved = inHalves(graph, [a, b], over, ([left = a, right = b]) =>
    matmul(graph, left, right, over, order),
  );
  if (halved !== undefined) return halved;
  const loops = productLoops(a.shape, b.shape, over, shape);
  return graph.record({ type: "product", loops }, shape, sources);
}

/** A table's angles on the device; they stay there as long as the engine. */
export interface Angles {
  readonly cos: WebgpuTensor;
  readonly sin: WebgpuTensor;
}

export function rotary(
  graph: Graph,
  a: WebgpuTensor,
  [axis, pos]: readonly [axis: Axis, pos: Axis],
  table: RotaryTable,
  angles: Angles,
  { transpose = false, start = 0 }: RotaryOptions = {},
): WebgpuTensor {
  rotaryShape(a.shape, axis, pos, table, start);
  const strides = stridesOf(a.shape);
  const loop = (name: Axis) => ({
    size: a.shape[name] as number, // the rule has checked both axes
    steps: [strides[name] as number],
  });
  const turn: Turn = {
    ...{ axis: loop(axis), pos: loop(pos), pairs: table.pairs, start, transpose },
    adjacent: table.pairing === "adjacent",
  };
  const entries = inLine(sizeOf(a.shape));
  return graph.record({ type: "turn", turn }, a.shape, [
    whole(graph, a),
    { node: graph.see(angles.cos), places: entries },
    { node: graph.see(angles.sin), places: entries },
  ]);
}

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
function inHalves(
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
