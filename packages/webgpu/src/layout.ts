import {
  type Axis,
  axesOf,
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
  joinShape,
  loopsOver,
  neighbours,
  putShape,
  rowsOrder,
  sliceShape,
  takeShape,
} from "@resolvent/tensor/rules";
import type { Graph } from "./graph.ts";
import { inLine, type Loops, type Source } from "./node.ts";
import type { WebgpuTensor } from "./tensor.ts";

const COPY = { type: "point", name: "copy", factor: 0 } as const;

/** A tensor's numbers as they lie. */
export function whole(graph: Graph, a: WebgpuTensor): Source {
  return { node: graph.see(a), places: inLine(sizeOf(a.shape), a.start) };
}

/** A tensor's numbers in the order of another shape's axes, of which it may lack some. */
export function placed(graph: Graph, a: WebgpuTensor, shape: Shape, skip = 0): Source {
  return { node: graph.see(a), places: placesOf(shape, a.shape, a.start + skip) };
}

/** For each entry of `shape`, its place in a tensor of another. */
function placesOf(shape: Shape, of: Shape, start: number): Loops {
  const loops = loopsOver(shape, [of]).map(({ size, steps: [step = 0] }) => ({ size, step }));
  return { loops, start };
}

/** A copy; of 16-bit numbers as they are. */
function copied(graph: Graph, shape: Shape, source: Source): WebgpuTensor {
  return graph.record(COPY, shape, [source], source.node.form);
}

/** The tensor itself, or its 16-bit numbers in f32. */
export function inFull(graph: Graph, a: WebgpuTensor): WebgpuTensor {
  return a.half === undefined ? a : graph.record(COPY, a.shape, [whole(graph, a)]);
}

/** `a` in the memory order of `shape`; a view where it has that order already. */
export function inOrder(graph: Graph, a: WebgpuTensor, shape: Shape): WebgpuTensor {
  const [loop, more] = loopsOver(shape, [a.shape]);
  const contiguous = more === undefined && (loop === undefined || loop.steps[0] === 1);
  return contiguous || sameShape(shape, a.shape)
    ? graph.view(a, shape)
    : copied(graph, shape, placed(graph, a, shape));
}

export function arrange(graph: Graph, a: WebgpuTensor, axes: readonly Axis[]): WebgpuTensor {
  return inOrder(graph, a, arrangeShape(a.shape, axes));
}

export function join(
  graph: Graph,
  a: WebgpuTensor,
  axes: readonly Axis[],
  into: Axis,
): WebgpuTensor {
  const shape = joinShape(a.shape, axes, into);
  return graph.view(inOrder(graph, a, neighbours(a.shape, axes)), shape);
}

export function slice(
  graph: Graph,
  a: WebgpuTensor,
  axis: Axis,
  start: number,
  end: number,
): WebgpuTensor {
  const shape = sliceShape(a.shape, axis, start, end);
  const { outer, inner } = around(a.shape, axis);
  if (outer === 1) return graph.view(a, shape, start * inner);
  return copied(graph, shape, placed(graph, a, shape, start * inner));
}

export function concat(graph: Graph, parts: readonly WebgpuTensor[], axis: Axis): WebgpuTensor {
  const shape = concatShape(
    parts.map((part) => part.shape),
    axis,
  );
  const stride = stridesOf(shape)[axis] as number; // the rule has checked the axis
  let at = 0;
  const into = parts.map((part) => {
    const size = part.shape[axis] as number; // the rule has checked the axis
    const places = placesOf(part.shape, shape, at * stride);
    at += size;
    return places;
  });
  return graph.record(
    { type: "concat", into },
    shape,
    parts.map((part) => whole(graph, part)),
  );
}

export function broadcast(graph: Graph, a: WebgpuTensor, axes: Shape): WebgpuTensor {
  const shape = broadcastShape(a.shape, axes);
  return copied(graph, shape, placed(graph, a, shape));
}

export function take(graph: Graph, a: WebgpuTensor, axis: Axis, ids: Ids): WebgpuTensor {
  const shape = takeShape(a.shape, axis, ids);
  const node = graph.see(a);
  const count = ids.data.length;
  const places = {
    rows: graph.list(ids.data),
    count,
    around: around(a.shape, axis),
    start: a.start,
  };
  return graph.record(COPY, shape, [{ node, places }]);
}

export function put(
  graph: Graph,
  a: WebgpuTensor,
  ids: Ids,
  axis: Axis,
  size: number,
): WebgpuTensor {
  const shape = putShape(a.shape, ids, axis, size);
  // The indexed axes next to each other, in the order of the ids, where the new axis will stand.
  const indexed = axesOf(ids.shape);
  const order = axesOf(shape).flatMap((name) => (name === axis ? indexed : [name]));
  const ordered = inOrder(graph, a, arrangeShape(a.shape, order));
  const lists = rowsOrder(ids, size);
  const work = { type: "put", around: around(shape, axis), count: ids.data.length } as const;
  return graph.record(work, shape, [
    whole(graph, ordered),
    ...[lists.starts, lists.order].map((list) => ({
      node: graph.list(list),
      places: inLine(list.length),
    })),
  ]);
}
