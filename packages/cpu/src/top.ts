import { type Axis, sizeOf, type Top } from "@resolvent/tensor";
import { around, topShape } from "@resolvent/tensor/rules";
import type { Machine } from "./machine.ts";
import type { CpuTensor } from "./tensor.ts";

/** The largest along an axis, found where the numbers are; only what is found is copied. */
export function top(machine: Machine, a: CpuTensor, axis: Axis, k: number): Top {
  const shape = topShape(a.shape, axis, k);
  const { outer, size, inner } = around(a.shape, axis);
  const numbers = machine.numbers(a);
  const indices = new Int32Array(sizeOf(shape));
  const data =
    machine.precision === "f32"
      ? new Float32Array(indices.length)
      : new Float64Array(indices.length);
  for (let row = 0; row < outer * inner; row++) {
    const start = Math.floor(row / inner) * size * inner + (row % inner);
    const found = indices.subarray(row * k, (row + 1) * k);
    select(numbers, { start, step: inner, size }, found);
    for (let i = 0; i < k; i++)
      data[row * k + i] = numbers[start + (found[i] as number) * inner] as number; // within the row
  }
  return { indices: { shape, data: indices }, values: { shape, data } };
}

/** One row of numbers in memory. */
interface Row {
  readonly start: number;
  readonly step: number;
  readonly size: number;
}

/**
 * Fills `found` with the places of the row's largest numbers, in order: a heap of those found so far, the last of them
 * at its root, through which all others go. All indices below are within the row or the heap.
 */
function select(
  numbers: Float32Array | Float64Array,
  { start, step, size }: Row,
  found: Int32Array,
): void {
  const k = found.length;
  const value = (i: number): number => numbers[start + i * step] as number;
  const before = (i: number, j: number): boolean => {
    const [x, y] = [value(i), value(j)];
    if (x > y) return true;
    if (x < y) return false;
    const odd = Number.isNaN(x);
    return odd === Number.isNaN(y) ? i < j : odd;
  };
  /** Moves the entry at `from` down until none below it comes after it. */
  const sink = (from: number, length: number): void => {
    const moved = found[from] as number;
    let place = from;
    for (let child = 2 * place + 1; child < length; child = 2 * place + 1) {
      if (child + 1 < length && before(found[child] as number, found[child + 1] as number)) child++;
      if (!before(moved, found[child] as number)) break;
      found[place] = found[child] as number;
      place = child;
    }
    found[place] = moved;
  };
  for (let i = 0; i < k; i++) found[i] = i;
  for (let place = (k >> 1) - 1; place >= 0; place--) sink(place, k);
  let least = value(found[0] as number);
  for (let i = k; i < size; i++) {
    // Most end here; what is equal to the last one found comes after it.
    if ((numbers[start + i * step] as number) <= least || !before(i, found[0] as number)) continue;
    found[0] = i;
    sink(0, k);
    least = value(found[0] as number);
  }
  for (let end = k - 1; end > 0; end--) {
    const last = found[0] as number;
    found[0] = found[end] as number;
    found[end] = last;
    sink(0, end);
  }
}
