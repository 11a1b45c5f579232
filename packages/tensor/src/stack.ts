import type { Ids, Ops } from "./ops.ts";
import { type Shaped, sizeAlong } from "./shape.ts";

/** The sum of at least one tensor. */
export function sumOf<T extends Shaped>(ops: Ops<T>, parts: readonly T[]): T {
  return parts.reduce((sum, part) => ops.add(sum, part));
}

/** Entries of an axis by index, under another name; the same tensor where that would be all of them in order. */
export function takeEntries<T extends Shaped>(
  ops: Ops<T>,
  x: T,
  axis: string,
  indices: readonly number[],
  name: string,
): T {
  const same =
    indices.length === sizeAlong(x.shape, axis, "takeEntries") &&
    indices.every((index, place) => index === place);
  if (same) return axis === name ? x : ops.rename(x, { [axis]: name });
  const ids: Ids = { shape: { [name]: indices.length }, data: Int32Array.from(indices) };
  return ops.take(x, axis, ids);
}
