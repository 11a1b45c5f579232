import { reachable } from "./cost.ts";
import type { Ops } from "./ops.ts";
import type { Shaped } from "./shape.ts";

/**
 * Goes on from state to state, item by item. What an item makes and does not give on is freed behind it, and so is each
 * state once the next is there, but for what that still has: scopes alone would keep all states until they end.
 *
 * @param start nothing in it is used elsewhere
 */
export function foldOver<T extends Shaped, V, S>(
  ops: Ops<T>,
  items: Iterable<V>,
  start: S,
  step: (state: S, item: V) => S,
): S {
  let state = start;
  for (const item of items) {
    const before = state;
    state = ops.scope(() => step(before, item));
    if (ops.free === undefined) continue;
    const kept = reachable(state);
    ops.free([...reachable(before)].filter((value) => isShaped(value) && !kept.has(value)));
  }
  return state;
}

function isShaped(value: unknown): boolean {
  return typeof value === "object" && value !== null && "shape" in value;
}
