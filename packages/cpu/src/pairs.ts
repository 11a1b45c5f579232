import { type Axis, axesOf, type Pairs, sizeOf } from "@resolvent/tensor";
import { arrangeShape, putShape, rowsOrder, takeShape } from "@resolvent/tensor/rules";
import { inOrder } from "./copy.ts";
import { kernels } from "./kernels.ts";
import type { Machine } from "./machine.ts";
import type { CpuTensor } from "./tensor.ts";

/** Lists of whole numbers in lent memory while `use` runs. */
function withLists(
  machine: Machine,
  lists: readonly Int32Array[],
  use: (...at: readonly number[]) => void,
): void {
  const count = lists.reduce((sum, { length }) => sum + length, 0);
  machine.lend(4 * Math.max(1, count), (start) => {
    let at = start;
    const places = lists.map((list) => {
      machine.ints(at, list.length).set(list);
      at += 4 * list.length;
      return at - 4 * list.length;
    });
    use(...places);
  });
}

/** Products of rows with rows, of some pairs. */
export function pairDots(
  machine: Machine,
  left: CpuTensor,
  right: CpuTensor,
  over: readonly Axis[],
  pairs: Pairs,
): CpuTensor {
  const rows = (a: CpuTensor, { axis, ids }: Pairs["left"]): CpuTensor => {
    takeShape(a.shape, axis, ids); // checks them
    return inOrder(machine, a, arrangeShape(a.shape, over));
  };
  const [a, b] = [rows(left, pairs.left), rows(right, pairs.right)];
  const width = sizeOf(Object.fromEntries(over.map((axis) => [axis, a.shape[axis] as number]))); // arranged by them
  const result = machine.make(pairs.left.ids.shape);
  // One after the other along the larger side, of which less stays in a cache.
  const larger = sizeOf(a.shape) > sizeOf(b.shape) ? pairs.left : pairs.right;
  const size = sizeOf((larger === pairs.left ? a : b).shape) / Math.max(1, width);
  const { order } = rowsOrder(larger.ids, size);
  const lists = [pairs.left.ids.data, pairs.right.ids.data, order];
  withLists(machine, lists, (leftIds = 0, rightIds = 0, orderAt = 0) => {
    const args = [result.start, machine.at(a), leftIds, machine.at(b), rightIds, orderAt, width];
    machine.run(kernels.pairDots, order.length, 10 + width * 0.2, args);
  });
  return result;
}

/** Weighted sums of rows by their partners. */
export function pairSums(
  machine: Machine,
  weights: CpuTensor,
  right: CpuTensor,
  pairs: Pairs,
  size: number,
): CpuTensor {
  const taken = takeShape(right.shape, pairs.right.axis, pairs.right.ids);
  const rest = axesOf(right.shape).filter((axis) => axis !== pairs.right.axis);
  const shape = arrangeShape(putShape(taken, pairs.left.ids, pairs.left.axis, size), rest);
  const rows = inOrder(machine, right, arrangeShape(right.shape, rest));
  const result = machine.make(shape);
  const width = size === 0 ? 0 : sizeOf(shape) / size;
  const { starts, order } = rowsOrder(pairs.left.ids, size);
  withLists(
    machine,
    [pairs.right.ids.data, starts, order],
    (rightIds = 0, startsAt = 0, orderAt = 0) => {
      const args = [result.start, machine.at(weights), machine.at(rows), rightIds];
      const cost = 5 + width * (0.1 + (0.15 * order.length) / Math.max(1, size));
      machine.run(kernels.pairSums, size, cost, [...args, startsAt, orderAt, width]);
    },
  );
  return result;
}
