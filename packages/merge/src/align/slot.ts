import { offsets } from "./order.ts";
import type { Kind, Part, Placed } from "./places.ts";

/** One of a model's weights within the tensor that stores it. */
export interface Slot {
  /** By the path of `mapWeights`: `L0.attn.W_Q`. */
  readonly path: string;
  /** Its block or end, and what it is there: `L0.attn`, `W_Q`. */
  readonly owner: string;
  readonly role: string;
  readonly layer: number;
  readonly tensor: Placed;
  /** Where its first entry is. */
  readonly start: number;
  readonly parts: readonly Part[];
}

/** The weights that a tensor, or a stretch of it, stores: three where queries, keys and values are stored as one. */
export function slotsOf(tensor: Placed): Slot[] {
  const { holds, layer, parts } = tensor;
  const fused = parts.find(({ kind }) => kind === "role");
  const paths = fused === undefined ? holds.slice(0, 1) : holds;
  return paths.map((path, i) => {
    const [owner = "", ...rest] = path.startsWith("L") ? split(path, 2) : split(path, 1);
    return {
      path,
      owner,
      role: rest.join("."),
      layer,
      tensor,
      start: fused === undefined ? 0 : i * fused.stride,
      parts: parts.filter((part) => part !== fused),
    };
  });
}

function split(path: string, names: number): string[] {
  const all = path.split(".");
  return [all.slice(0, names).join("."), ...all.slice(names)];
}

/** The part of a kind; undefined where there is none. */
export function partOf({ parts }: Slot, ...kinds: readonly Kind[]): Part | undefined {
  return parts.find(({ kind }) => kinds.includes(kind));
}

/** Where the entries of a slot are, by one part and by all others. */
export interface Along {
  readonly own: Float64Array;
  readonly rest: Float64Array;
}

/** Entries by a part and the rest; with `within`, those of one key-value head and its queries alone. */
export function along(
  slot: Slot,
  part: Part,
  within?: { readonly kv: number; readonly of: number },
): Along {
  let { start } = slot;
  const rest = slot.parts.flatMap((one): Part[] => {
    if (one === part) return [];
    if (within === undefined || (one.kind !== "kv" && one.kind !== "heads")) return [one];
    const size = one.size / within.of;
    start += within.kv * size * one.stride;
    return [{ ...one, size }];
  });
  return { own: offsets([part]).map((at) => at + start), rest: offsets(rest) };
}
