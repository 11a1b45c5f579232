/** A binary heap in an array: `items[0]` is the first by `order`, negative where `a` comes before `b`. */
export interface Heap<V> {
  readonly items: V[];
  readonly order: (a: V, b: V) => number;
}

export function heapOf<V>(order: Heap<V>["order"], values: readonly V[] = []): Heap<V> {
  const heap: Heap<V> = { items: [], order };
  for (const value of values) push(heap, value);
  return heap;
}

export function push<V>({ items, order }: Heap<V>, value: V): void {
  let at = items.push(value) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (order(value, items[above] as V) >= 0) break; // above < at
    items[at] = items[above] as V;
    at = above;
  }
  items[at] = value;
}

/** Takes out the first; undefined of an empty heap. */
export function pop<V>({ items, order }: Heap<V>): V | undefined {
  const first = items[0];
  const last = items.pop();
  if (items.length === 0 || last === undefined) return first;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= items.length) break;
    const other = below + 1;
    if (other < items.length && order(items[other] as V, items[below] as V) < 0) below = other; // both within
    if (order(items[below] as V, last) >= 0) break; // within
    items[at] = items[below] as V; // within
    at = below;
  }
  items[at] = last;
  return first;
}
