import { assignedGain, bestAssignment } from "./assignment.ts";

/**
 * The order of B's query heads with the largest sum of gains in which heads that share a key-value head stay together: for each
 * pair of key-value heads an assignment of their query heads, then one of the key-value heads.
 *
 * @param queries gains of query heads, `(kvHeads · group)²`
 * @param keys gains of key-value heads, `kvHeads²`
 */
export function assignHeads(
  queries: Float64Array,
  keys: Float64Array,
  { kvHeads, group }: { readonly kvHeads: number; readonly group: number },
): number[] {
  const heads = kvHeads * group;
  const inner: number[][] = [];
  const outer = new Float64Array(kvHeads * kvHeads);
  for (let to = 0; to < kvHeads; to++) {
    for (let from = 0; from < kvHeads; from++) {
      const gain = Float64Array.from({ length: group * group }, (_, k) => {
        const [row, column] = [Math.floor(k / group), k % group];
        return queries[(to * group + row) * heads + from * group + column] as number;
      });
      const order = bestAssignment(gain, group);
      inner.push(order);
      outer[to * kvHeads + from] =
        assignedGain(gain, order) + (keys[to * kvHeads + from] as number);
    }
  }
  return bestAssignment(outer, kvHeads).flatMap((from, to) =>
    (inner[to * kvHeads + from] ?? []).map((head) => from * group + head),
  );
}

/** The sum of gains of an order of heads. */
export function headsGain(
  queries: Float64Array,
  keys: Float64Array,
  order: readonly number[],
  group: number,
): number {
  const kv = order.filter((_, i) => i % group === 0).map((head) => Math.floor(head / group));
  return assignedGain(queries, order) + assignedGain(keys, kv);
}
