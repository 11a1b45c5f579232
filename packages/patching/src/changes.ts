import { type Ops, type Shaped, sizeAlong, takeEntries } from "@resolvent/tensor";
import {
  type AttentionBlock,
  attention,
  type Block,
  blockWrite,
  keysOf,
  normalize,
  plainSites,
  queriesOf,
  type Replacements,
  replacing,
  valuesOf,
} from "@resolvent/transformer";
import { lastPosition, type PatchRun } from "./base.ts";
import { HEAD_INPUTS, type HeadInput, type PatchReceiver } from "./graph.ts";

/** A receiver whose input is moved by an entry of a stack. */
export interface Change {
  readonly receiver: PatchReceiver;
  /** Which entry along `change`. */
  readonly entry: number;
}

/**
 * How far receivers of one stage change what they write when their inputs are moved: `f_r(r_r + δ) − C_r`, for a
 * head's input that of the head alone. The stream itself stays that of the run.
 *
 * @param deltas `change, pos, d_model`; a last position only for stages after the last attention
 * @param changes receivers of `stage`, in any order
 * @returns `item, pos, d_model`, in the order of `changes`
 */
export function writeChanges<T extends Shaped>(
  ops: Ops<T>,
  stage: readonly Block<T>[],
  run: PatchRun<T>,
  deltas: T,
  changes: readonly Change[],
): T {
  const parts: T[] = [];
  const order: number[] = [];
  const stream = run.streams[changes[0]?.receiver.stage ?? 0] as T; // a stage of the run
  const crop = (x: T): T =>
    sizeAlong(deltas.shape, "pos", "writeChanges") === 1 ? lastPosition(ops, x) : x;
  for (const block of stage) {
    for (const input of ["block", ...HEAD_INPUTS] as const) {
      const own = changes.flatMap(({ receiver, entry }, place) =>
        receiver.block === block.name && receiver.input === input
          ? [{ entry, head: receiver.head ?? 0, place }]
          : [],
      );
      if (own.length === 0) continue;
      const entries = [...new Set(own.map(({ entry }) => entry))];
      const read = ops.add(takeEntries(ops, deltas, "change", entries, "entry"), crop(stream));
      if (input === "block") {
        const written = blockWrite(ops, block, read, plainSites());
        const change = ops.sub(written, crop(run.blocks.get(block.name) as T)); // every block writes
        const places = own.map(({ entry }) => entries.indexOf(entry));
        parts.push(takeEntries(ops, change, "entry", places, "item"));
      } else if (block.kind === "attn") {
        const heads = headWrites(ops, block, stream, {
          [input]: projected(ops, block, input, read),
        });
        const change = ops.sub(heads, run.heads.get(block.name) as T); // recorded at head level
        const count = sizeAlong(heads.shape, "head", "writeChanges");
        const flat = ops.join(ops.arrange(change, ["pos", "d_model"]), ["entry", "head"], "each");
        const places = own.map(({ entry, head }) => entries.indexOf(entry) * count + head);
        parts.push(takeEntries(ops, flat, "each", places, "item"));
      }
      order.push(...own.map(({ place }) => place));
    }
  }
  const all = parts.length === 1 ? (parts[0] as T) : ops.concat(parts, "item");
  const back = changes.map((_, place) => order.indexOf(place));
  return takeEntries(ops, all, "item", back, "item");
}

/**
 * Queries, keys or values of a read of the stream. A read with the axes `kv_head` and `group` gives each head what
 * it makes of its own; others give keys and values to a group together.
 */
export function projected<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  input: HeadInput,
  read: T,
): T {
  const normed = normalize(ops, block.norm, read, "d_model", plainSites(), "norm");
  const of = { query: queriesOf, key: keysOf, value: valuesOf }[input];
  return of(ops, block, normed, plainSites());
}

/** What each head writes where some of queries, keys and values are given: `…, pos, head, d_model`. */
export function headWrites<T extends Shaped>(
  ops: Ops<T>,
  block: AttentionBlock<T>,
  read: T,
  given: Replacements<T>,
): T {
  const found: T[] = [];
  const sites = replacing(plainSites<T>(), given);
  attention(ops, block, read, {
    at: (site, compute) => {
      const value = sites.at(site, compute);
      if (site === "head") found.push(value);
      return value;
    },
    wants: (site) => site === "head" || sites.wants(site),
  });
  return found[0] as T; // attention passes the site where it is wanted
}
