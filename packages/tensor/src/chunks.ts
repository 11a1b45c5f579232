/** Bytes that one stack of runs may take at its peak, 512 MiB; larger stacks are hardly faster. */
export const STACK_MEMORY: number = 2 ** 29;

/**
 * Items in groups that fit into memory together, in their order.
 *
 * @param peak bytes that the first `n` items would take at their peak
 * @param atOnce how many items are looked at: those that share something come together
 */
export function inChunks<V>(
  items: readonly V[],
  memory: number,
  peak: (items: readonly V[]) => number,
  atOnce: number,
): V[][] {
  if (items.length === 0) return [];
  const sample = items.slice(0, atOnce);
  const each = peak(sample) / sample.length;
  const size = Math.max(1, Math.min(items.length, Math.floor(memory / Math.max(each, 1))));
  // Of one size, as far as that goes: a last small group would use the machine badly.
  const groups = Math.ceil(items.length / size);
  return Array.from({ length: groups }, (_, group) =>
    items.slice(
      Math.floor((group * items.length) / groups),
      Math.floor(((group + 1) * items.length) / groups),
    ),
  );
}
