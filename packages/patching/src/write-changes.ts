import { type Ops, type Shaped, sizeAlong, takeEntries } from "@resolvent/tensor";
import {
  type Block,
  everyPart,
  type PartWrites,
  partWrites,
  plainSites,
} from "@resolvent/transformer";
import type { PatchGraph, PatchReceiver } from "./graph.ts";
import { lastPosition, type PatchRun } from "./patch-run.ts";
import { blockAtLast } from "./prompt-models.ts";

/** A receiver whose input is moved by an entry of a stack. */
export interface Change {
  readonly receiver: PatchReceiver;
  /** Which entry along `change`. */
  readonly entry: number;
}

/**
 * How far receivers of one stage change what they write when their inputs are moved: `f_r(r_r + δ) − C_r`, for a
 * part's input that of the part alone. The stream itself stays that of the run.
 *
 * @param deltas `change, pos, d_model`; a last position only for stages after the last attention
 * @param changes receivers of `stage`, in any order
 * @returns `item, pos, d_model`, in the order of `changes`
 */
export function writeChanges<T extends Shaped>(
  ops: Ops<T>,
  stage: readonly Block<T>[],
  { run, graph }: { readonly run: PatchRun<T>; readonly graph: PatchGraph },
  deltas: T,
  changes: readonly Change[],
): T {
  const made: T[] = [];
  const order: number[] = [];
  const stream = run.streams[changes[0]?.receiver.stage ?? 0] as T; // a stage of the run
  const cropped = sizeAlong(deltas.shape, "pos", "writeChanges") === 1;
  const crop = (x: T): T => (cropped ? lastPosition(ops, x) : x);
  for (const each of stage) {
    const block = cropped ? blockAtLast(ops, each) : each;
    const parts = graph.level[block.kind];
    for (const input of parts?.inputs ?? [undefined]) {
      const own = changes.flatMap(({ receiver, entry }, place) =>
        receiver.node?.block === block.name && receiver.input === input
          ? [{ entry, index: receiver.node.part?.index ?? 0, place }]
          : [],
      );
      if (own.length === 0) continue;
      const entries = [...new Set(own.map(({ entry }) => entry))];
      const read = ops.add(takeEntries(ops, deltas, "change", entries, "entry"), crop(stream));
      const moved =
        parts === undefined || input === undefined
          ? partWrites(ops, parts, block, read, plainSites())
          : parts.writes(ops, block, stream, plainSites(), { [input]: read });
      const before = run.blocks.get(block.name) as PartWrites<T>; // every block writes
      const change = { ...moved, each: ops.sub(moved.each, crop(before.each)) };
      const picked = own.map(({ entry, index }) => ({ entry: entries.indexOf(entry), index }));
      made.push(chosenWrites(ops, change, picked));
      order.push(...own.map(({ place }) => place));
    }
  }
  const all = made.length === 1 ? (made[0] as T) : ops.concat(made, "item");
  const back = changes.map((_, place) => order.indexOf(place));
  return takeEntries(ops, all, "item", back, "item");
}

/** What single nodes write in single entries: `item, pos, d_model`. */
function chosenWrites<T extends Shaped>(
  ops: Ops<T>,
  { each, directions }: PartWrites<T>,
  picked: readonly { readonly entry: number; readonly index: number }[],
): T {
  const count = sizeAlong(each.shape, "node", "chosenWrites");
  const rest = Object.keys(each.shape).filter((axis) => axis !== "entry" && axis !== "node");
  const flat = ops.join(ops.arrange(each, rest), ["entry", "node"], "each");
  const places = picked.map(({ entry, index }) => entry * count + index);
  const some = takeEntries(ops, flat, "each", places, "item");
  if (directions === undefined) return some;
  const indices = picked.map(({ index }) => index);
  const along = takeEntries(ops, directions, "node", indices, "item");
  return everyPart(ops, { each: some, directions: along });
}
