import { InputError } from "@resolvent/tensor";
import { didYouMean, nearestNames } from "@resolvent/weights";
import type { PatchResult } from "./patch.ts";

/**
 * The effect of one patch of a result, by the names of its ends: of an edge by its source and receiver, of a node by
 * `all` or a position. Null where the source is not before the receiver.
 *
 * ```ts
 * effectOf(result, "L0.H3", "L1.H0.query");
 * effectOf(result, "L0.H3", "final");
 * ```
 *
 * @param from default the effects of the result, means over pairs; or those of one pair, or a comparison's exact ones
 * @throws InputError `patching/no-name`, with the nearest name that the result has
 */
export function effectOf(
  result: Pick<PatchResult, "sources" | "receivers" | "effect">,
  source: string,
  receiver: string,
  from: PatchResult["effect"] = result.effect,
): number | null {
  const row = indexOf(result.sources, source, "source");
  return from[row]?.[indexOf(result.receivers, receiver, "receiver")] ?? null;
}

function indexOf(names: readonly string[], name: string, what: string): number {
  const index = names.indexOf(name);
  if (index >= 0) return index;
  const near = nearestNames(name, names).slice(0, 1);
  const [first = "none", last = first] = [names[0], names.at(-1)];
  throw new InputError({
    code: "patching/no-name",
    message: `The result has no ${what} "${name}".`,
    remedy: `${didYouMean(near)}It has ${names.length}, from ${first} to ${last}; heads appear at the level head.`,
    details: { [what]: name, ...(near.length > 0 && { nearest: near[0] }) },
  });
}
