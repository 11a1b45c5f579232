/** What can be taken out by size, the largest first. */
export interface Ranked {
  readonly size: number;
}

/** Puts an item into a binary heap, an array whose first is the largest. */
export function push<V extends Ranked>(heap: V[], item: V): void {
  let at = heap.push(item) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    const other = heap[above] ?? item;
    if (other.size >= item.size) break;
    heap[at] = other;
    at = above;
  }
  heap[at] = item;
}

/** Takes out the largest; undefined of an empty heap. */
export function pop<V extends Ranked>(heap: V[]): V | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (heap.length === 0 || last === undefined) return first;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    const [left, right] = [heap[below], heap[below + 1]];
    if (left === undefined) break;
    const larger = right !== undefined && right.size > left.size ? right : left;
    if (larger === right) below++;
    if (larger.size <= last.size) break;
    heap[at] = larger;
    at = below;
  }
  heap[at] = last;
  return first;
}
